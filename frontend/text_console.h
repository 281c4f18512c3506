// A screen of 80 by 25 characters for the window's own use: the monitor's.
//
// It understands what MonitorPrompt prints on a terminal (new lines, carriage returns, backspaces, ESC[K) and keeps
// what has scrolled away. The picture is drawn with the character set of the VGA BIOS that is built in.
#pragma once

#include <deque>
#include <span>
#include <string>
#include <string_view>

#include "hw/display/surface.h"

namespace orrery::frontend {

class TextConsole {
 public:
  static constexpr unsigned kColumns = 80;
  static constexpr unsigned kRows = 25;
  static constexpr std::size_t kMostLines = 2000;

  TextConsole() : lines_(1) {}

  void write(std::string_view text);
  /// Shows older lines, or newer ones (negative), as far as there are any. Writing goes back to the newest.
  void scroll(int lines);

  /// What is on the screen, a line a row.
  std::string text() const;
  /// The picture, 720 by 400.
  hw::Frame frame() const;

 private:
  void character(char c);
  void new_line();
  std::size_t first_line() const;

  std::deque<std::string> lines_;  // the last one is being written; each has at most kColumns characters
  std::size_t column_ = 0;
  std::size_t back_ = 0;  // how many lines the view is behind the newest
  unsigned escape_ = 0;   // characters of "ESC [" seen
};

/// The 256 glyphs of 8 by 16 dots in a VGA BIOS, 16 bytes each; empty if it has none.
std::span<const u8> vga_font(std::span<const u8> rom);

}  // namespace orrery::frontend
