#include <array>

#include "hw/display/surface.h"

namespace orrery::hw {
namespace {

constexpr std::array<std::string_view, 32> kLow = {" ", "☺", "☻", "♥", "♦", "♣", "♠", "•", "◘", "○", "◙",
                                                   "♂", "♀", "♪", "♫", "☼", "►", "◄", "↕", "‼", "¶", "§",
                                                   "▬", "↨", "↑", "↓", "→", "←", "∟", "↔", "▲", "▼"};

constexpr std::string_view kAscii =
    " !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~";

constexpr std::array<std::string_view, 129> kHigh = {
    "⌂",                                                                              // 7F
    "Ç", "ü", "é", "â", "ä", "à", "å", "ç", "ê", "ë", "è", "ï", "î", "ì", "Ä", "Å",   // 80
    "É", "æ", "Æ", "ô", "ö", "ò", "û", "ù", "ÿ", "Ö", "Ü", "¢", "£", "¥", "₧", "ƒ",   // 90
    "á", "í", "ó", "ú", "ñ", "Ñ", "ª", "º", "¿", "⌐", "¬", "½", "¼", "¡", "«", "»",   // A0
    "░", "▒", "▓", "│", "┤", "╡", "╢", "╖", "╕", "╣", "║", "╗", "╝", "╜", "╛", "┐",   // B0
    "└", "┴", "┬", "├", "─", "┼", "╞", "╟", "╚", "╔", "╩", "╦", "╠", "═", "╬", "╧",   // C0
    "╨", "╤", "╥", "╙", "╘", "╒", "╓", "╫", "╪", "┘", "┌", "█", "▄", "▌", "▐", "▀",   // D0
    "α", "ß", "Γ", "π", "Σ", "σ", "µ", "τ", "Φ", "Θ", "Ω", "δ", "∞", "φ", "ε", "∩",   // E0
    "≡", "±", "≥", "≤", "⌠", "⌡", "÷", "≈", "°", "∙", "·", "√", "ⁿ", "²", "■", " "};  // F0

}  // namespace

std::string_view cp437_to_utf8(u8 code) {
  if (code < 0x20) return kLow[code];
  if (code < 0x7f) return kAscii.substr(code - 0x20u, 1);
  return kHigh[code - 0x7fu];
}

std::vector<std::string> TextScreen::to_utf8() const {
  std::vector<std::string> lines(rows);
  for (unsigned row = 0; row < rows; ++row) {
    std::string& line = lines[row];
    for (unsigned column = 0; column < columns; ++column) line += cp437_to_utf8(character(column, row));
    line.erase(line.find_last_not_of(' ') + 1);
  }
  return lines;
}

std::string TextScreen::text() const {
  std::string all;
  for (const std::string& line : to_utf8()) all += line + '\n';
  return all;
}

}  // namespace orrery::hw
