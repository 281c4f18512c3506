// The words of a test script's line; for frontend/test_*.cpp only.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "frontend/test_script.h"
#include "hw/core/types.h"

namespace orrery::frontend {

/// Reads one command from a line. Commands of one line are parted by ';'; '#' at the start of a word begins a comment.
/// What is wrong is thrown as UsageError without the line's number.
class LineScanner {
 public:
  using Variables = std::function<std::optional<std::string>(const std::string& name)>;

  LineScanner(std::string_view line, Variables variables) : line_(line), variables_(std::move(variables)) {}

  /// Nothing more in this command.
  bool at_end();
  /// Skips the ';'. False if the line has no further command.
  bool next_command();
  /// Where the scanner stands; for spelling().
  std::size_t position() const { return at_; }
  /// The line from `from` to here, without blanks around it.
  std::string spelling(std::size_t from) const;

  /// The next word without taking it; empty at the end and in front of a quoted string or pattern.
  std::string peek();
  /// Takes the next word if it is this one.
  bool accept(std::string_view word);
  /// A bare word.
  std::string word(std::string_view what);
  /// A bare word or a "string" with \n \r \t \e \" \\ \xHH; other backslashes stay as they are.
  std::string text(std::string_view what);
  /// "plain" or /regex/ or /regex/i.
  Pattern pattern();
  u64 number(std::string_view what, u64 max = ~u64{0});
  i64 signed_number(std::string_view what, i64 limit);
  u64 duration(std::string_view what);
  /// Throws if something is left.
  void finish();

 private:
  void skip_blanks();
  std::string quoted();
  std::string expand();

  std::string_view line_;
  std::size_t at_ = 0;
  Variables variables_;
};

}  // namespace orrery::frontend
