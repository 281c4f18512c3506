// A test script as data. The language is described in frontend/README.md.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <regex>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "frontend/png.h"
#include "machine/input.h"
#include "machine/stop.h"

namespace orrery::frontend {

/// "plain text" or /a regular expression/.
class Pattern {
 public:
  static Pattern plain(std::string text);
  /// ECMAScript; ^ and $ match at lines. Throws UsageError.
  static Pattern regex(const std::string& expression, bool ignore_case);

  /// Where the first match from `from` on ends; nothing if there is none.
  std::optional<std::size_t> find(std::string_view text, std::size_t from = 0) const;
  /// After a fruitless find(): where to begin when `text` has become longer.
  std::size_t resume(std::string_view text, std::size_t from) const;
  /// As it was written.
  const std::string& spelling() const { return spelling_; }

 private:
  std::string text_;
  std::shared_ptr<const std::regex> regex_;
  std::string spelling_;
};

/// Outputs that a script can read: serial ports 0-3 and these.
inline constexpr unsigned kDebugconStream = 4;
inline constexpr unsigned kParallelStream = 5;
inline constexpr unsigned kStreamCount = 6;

enum class Relation : u8 { Equal, NotEqual, Less, LessEqual, Greater, GreaterEqual };
bool holds(Relation relation, u64 left, u64 right);

// --- what can be waited for and expected -----------------------------------------------------------------------------
struct TextCondition {
  Pattern pattern;
};
struct StreamCondition {
  unsigned stream;
  Pattern pattern;
};
struct ScreenshotCondition {
  std::string path;
  unsigned tolerance = 0;  // per channel
  u64 differ = 0;          // pixels that may be off by more
  Area area;
};
struct PixelCondition {
  unsigned x, y;
  u32 rgb;
  unsigned tolerance = 0;
};
struct PictureHashCondition {
  u64 hash;
};
struct ModeCondition {
  enum class Kind : u8 { Text, Graphics, Size } kind;
  unsigned width = 0, height = 0;  // characters in a text mode, else pixels
};
struct CursorCondition {
  unsigned column, row;
};
struct MemoryCondition {
  bool linear = false;  // through the page tables
  u64 address = 0;
  unsigned width = 1;  // bytes, if `bytes` is empty
  u64 mask = ~u64{0};
  Relation relation = Relation::Equal;
  u64 value = 0;
  std::vector<u8> bytes;
};
struct RegisterCondition {
  std::string name;
  u64 mask = ~u64{0};
  Relation relation = Relation::Equal;
  u64 value = 0;
};
struct StateHashCondition {
  u64 hash;
};
struct StillCondition {
  u64 ns;  // nothing on the screen has changed for so long
};
struct EndCondition {
  std::optional<machine::StopReason> reason;  // nothing: any
  std::optional<int> exit_code;               // isa-debug-exit's, as QEMU counts
};
struct IdleCondition {};

using ConditionKind = std::variant<TextCondition, StreamCondition, ScreenshotCondition, PixelCondition,
                                   PictureHashCondition, ModeCondition, CursorCondition, MemoryCondition,
                                   RegisterCondition, StateHashCondition, StillCondition, EndCondition, IdleCondition>;
struct Condition {
  ConditionKind what;
  std::string spelling;
};

// --- commands --------------------------------------------------------------------------------------------------------
struct MachineCommand {
  std::vector<std::string> words;
};
struct BootCommand {};
struct WaitCommand {
  std::vector<Condition> any;
  std::optional<u64> timeout_ns;
};
struct ExpectCommand {
  Condition condition;
  bool negated = false;
};
struct TypeCommand {
  std::vector<machine::KeyInput> keys;
};
struct PressCommand {
  machine::KeyUsage key;
  bool down;
};
struct MoveCommand {
  i32 dx, dy;
};
struct PointCommand {
  unsigned x, y;  // pixels of the picture
};
struct ClickCommand {
  u8 buttons;
  unsigned times;
};
struct ButtonsCommand {
  u8 down;
};
struct WheelCommand {
  i32 notches;
};
struct RunCommand {
  u64 ns;
};
struct RunToTickCommand {
  u64 tick;
};
struct SendCommand {
  u8 port;
  std::vector<u8> bytes;
};
struct ScreenshotCommand {
  std::string path;
};
struct SaveTextCommand {
  std::string path;
};
struct InsertCommand {
  machine::DriveId drive;
  std::string path;
  bool readonly;
};
struct InputCommand {
  machine::Input input;
};
struct PrintCommand {
  enum class What : u8 { Message, Text, Stream, StateHash, PictureHash, Registers } what;
  std::string message;
  unsigned stream = 0;
};
struct TestCommand {
  std::string name;
};
struct TimeoutCommand {
  u64 ns;
};
struct SkipCommand {
  std::string reason;
  std::string unless_file;  // empty: always
};
struct FailCommand {
  std::string message;
};
struct ExitCommand {
  int status;
};

using CommandKind =
    std::variant<MachineCommand, BootCommand, WaitCommand, ExpectCommand, TypeCommand, PressCommand, MoveCommand,
                 PointCommand, ClickCommand, ButtonsCommand, WheelCommand, RunCommand, RunToTickCommand, SendCommand,
                 ScreenshotCommand, SaveTextCommand, InsertCommand, InputCommand, PrintCommand, TestCommand,
                 TimeoutCommand, SkipCommand, FailCommand, ExitCommand>;
struct Command {
  unsigned line;
  std::string spelling;
  CommandKind what;
};

struct Script {
  std::string path;
  std::string folder;  // relative names in the script start here; empty: the current folder
  std::vector<Command> commands;

  /// The script's file name without folder and ending.
  std::string name() const;
};

/// `variables` are those of --set; the environment's are found too, `set` in the script comes last. Throws UsageError:
/// "SCRIPT:LINE: what is wrong and how it is right".
Script parse_script(const std::string& path, std::string_view text,
                    const std::map<std::string, std::string>& variables);
/// Reads the file. Throws UsageError.
Script load_script(const std::string& path, const std::map<std::string, std::string>& variables);

}  // namespace orrery::frontend
