#include "frontend/text_console.h"

#include <algorithm>
#include <array>
#include <ranges>

#include "firmware/firmware.h"

namespace orrery::frontend {
namespace {

constexpr unsigned kCellWidth = 9;
constexpr unsigned kCellHeight = 16;
constexpr u32 kBackground = 0x0018'2430;
constexpr u32 kForeground = 0x00d8'd8d8;

}  // namespace

std::span<const u8> vga_font(std::span<const u8> rom) {
  // IBM's letter A, whose form every compatible BIOS has, tells where the set lies.
  static constexpr std::array<u8, 16> kLetterA = {0,    0,    0x10, 0x38, 0x6c, 0xc6, 0xc6, 0xfe,
                                                  0xc6, 0xc6, 0xc6, 0xc6, 0,    0,    0,    0};
  const auto found = std::ranges::search(rom, kLetterA);
  if (found.empty()) return {};
  const auto at = static_cast<std::size_t>(found.begin() - rom.begin());
  if (at < 'A' * 16u || at + (256 - 'A') * 16u > rom.size()) return {};
  return rom.subspan(at - 'A' * 16u, 256 * 16);
}

void TextConsole::write(std::string_view text) {
  for (const char c : text) character(c);
  back_ = 0;
}

void TextConsole::new_line() {
  lines_.emplace_back();
  if (lines_.size() > kMostLines) lines_.pop_front();
}

void TextConsole::character(char c) {
  std::string& line = lines_.back();
  if (escape_ != 0) {
    if (escape_ == 1) {
      escape_ = c == '[' ? 2 : 0;
      return;
    }
    if (c >= '0' && c <= ';') return;
    escape_ = 0;
    if (c == 'K') line.resize(std::min(line.size(), column_));
    return;
  }
  switch (c) {
    case '\n': new_line(); return;
    case '\r': column_ = 0; return;
    case '\b':
      if (column_ > 0) --column_;
      return;
    case '\t': column_ = std::min<std::size_t>((column_ | 7) + 1, kColumns - 1); return;
    case 0x1b: escape_ = 1; return;
    default: break;
  }
  if (static_cast<u8>(c) < 0x20) return;
  if (column_ == kColumns) {
    column_ = 0;
    new_line();
  }
  std::string& target = lines_.back();
  if (target.size() <= column_) target.resize(column_ + 1, ' ');
  target[column_++] = c;
}

void TextConsole::scroll(int lines) {
  const std::size_t most = lines_.size() > kRows ? lines_.size() - kRows : 0;
  const i64 wanted = static_cast<i64>(back_) + lines;
  back_ = static_cast<std::size_t>(std::clamp<i64>(wanted, 0, static_cast<i64>(most)));
}

std::size_t TextConsole::first_line() const {
  const std::size_t all = lines_.size() - std::min(back_, lines_.size());
  return all > kRows ? all - kRows : 0;
}

std::string TextConsole::text() const {
  std::string out;
  const std::size_t first = first_line();
  for (std::size_t n = first; n < std::min(lines_.size(), first + kRows); ++n) out += lines_[n] + "\n";
  return out;
}

hw::Frame TextConsole::frame() const {
  static const std::span<const u8> font = vga_font(firmware::vga_bios_pci());
  hw::Frame frame;
  frame.width = kColumns * kCellWidth;
  frame.height = kRows * kCellHeight;
  frame.cell_width = kCellWidth;
  frame.cell_height = kCellHeight;
  frame.pixels.assign(std::size_t{frame.width} * frame.height, kBackground);
  const auto dot = [&](unsigned x, unsigned y) { frame.pixels[std::size_t{y} * frame.width + x] = kForeground; };
  const std::size_t first = first_line();
  for (unsigned row = 0; row < kRows && first + row < lines_.size(); ++row) {
    const std::string& line = lines_[first + row];
    for (unsigned column = 0; column < line.size() && !font.empty(); ++column) {
      const std::span<const u8> glyph = font.subspan(static_cast<u8>(line[column]) * std::size_t{16}, 16);
      for (unsigned y = 0; y < kCellHeight; ++y) {
        for (unsigned x = 0; x < 8; ++x) {
          if ((glyph[y] << x & 0x80) != 0) dot(column * kCellWidth + x, row * kCellHeight + y);
        }
      }
    }
    if (first + row + 1 != lines_.size()) continue;
    for (unsigned x = 0; x < 8; ++x) {  // the cursor
      for (const unsigned y : {13u, 14u}) {
        dot(std::min<unsigned>(static_cast<unsigned>(column_), kColumns - 1) * kCellWidth + x, row * kCellHeight + y);
      }
    }
  }
  return frame;
}

}  // namespace orrery::frontend
