// What a display adapter hands out: pictures and the text on them.
//
// Both are copies made at one virtual time. They are for people, tests and recordings; nothing that is read from them
// ever feeds back into the machine. All calls are made on the machine thread; a Frame or TextScreen that another thread
// needs is copied there.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "hw/core/types.h"

namespace orrery::hw {

/// One character as UTF-8. `code` is a code-page 437 code; the control codes 1..31 and 127 give the IBM PC's glyphs,
/// 0 and 255 a space.
std::string_view cp437_to_utf8(u8 code);

/// The characters of a text mode, from the adapter's memory (not recognised from pixels).
struct TextScreen {
  unsigned columns = 0;  // 0 by 0 in a graphics mode
  unsigned rows = 0;
  std::vector<u8> characters;  // code page 437, row by row, columns * rows of them
  std::vector<u8> attributes;  // bits 3..0 foreground, 6..4 background, 7 blink or bright background
  unsigned cursor_column = 0;
  unsigned cursor_row = 0;
  bool cursor_visible = false;  // on the screen, and not switched off; blinking does not matter

  bool text_mode() const { return columns != 0; }
  u8 character(unsigned column, unsigned row) const { return characters[row * columns + column]; }
  u8 attribute(unsigned column, unsigned row) const { return attributes[row * columns + column]; }

  /// One string for each row, without the blanks at its end.
  std::vector<std::string> to_utf8() const;
  /// All rows, each ended by a newline.
  std::string text() const;

  bool operator==(const TextScreen&) const = default;
};

/// A picture as the monitor shows it, without the border. Doubled lines and doubled dots are folded: mode 13h gives 320
/// by 200 pixels. The picture fills a display of aspect_width : aspect_height, so pixels need not be square.
struct Frame {
  unsigned width = 0;
  unsigned height = 0;
  std::vector<u32> pixels;  // 0x00RRGGBB, row by row, width * height of them
  unsigned aspect_width = 4;
  unsigned aspect_height = 3;
  u32 border = 0;     // 0x00RRGGBB: the overscan colour around the picture
  bool dark = false;  // the adapter shows nothing: switched off, or no mode was set yet
  u64 serial = 0;     // changes whenever anything above changed

  // Text modes: the character cell in pixels of the picture; 0 in graphics modes.
  unsigned cell_width = 0;
  unsigned cell_height = 0;

  bool text_mode() const { return cell_width != 0; }
  u32 pixel(unsigned x, unsigned y) const { return pixels[static_cast<std::size_t>(y) * width + x]; }
};

/// A display adapter as front ends, monitors and test runners see it.
class Display {
 public:
  virtual ~Display() = default;
  /// The picture at the present virtual time. Costs little when nothing changed since the last call. The reference
  /// stays valid, and the Frame unchanged, until the next call. The same state at the same virtual time gives the same
  /// pixels, however often and when this was called before.
  virtual const Frame& render() = 0;
  /// The text at the present virtual time.
  virtual TextScreen text_screen() = 0;
};

}  // namespace orrery::hw
