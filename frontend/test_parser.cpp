// The grammar of test scripts: frontend/README.md describes each command.
#include <algorithm>
#include <charconv>
#include <cstdlib>

#include "frontend/char_spec.h"
#include "frontend/key_values.h"
#include "frontend/keys.h"
#include "frontend/near.h"
#include "frontend/register_names.h"
#include "frontend/test_scanner.h"
#include "frontend/test_script.h"
#include "frontend/usage_error.h"

namespace orrery::frontend {
namespace {

u64 hexadecimal(const std::string& digits, std::string_view what, unsigned longest) {
  u64 value = 0;
  std::string_view text = digits;
  if (text.starts_with("0x")) text.remove_prefix(2);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (error != std::errc{} || end != text.data() + text.size() || text.size() > longest) {
    usage_error("{} '{}' does not have {} hexadecimal digits", what, digits, longest);
  }
  return value;
}

Relation relation(LineScanner& in) {
  static constexpr std::pair<std::string_view, Relation> kRelations[] = {
      {"==", Relation::Equal},     {"=", Relation::Equal},   {"!=", Relation::NotEqual},     {"<", Relation::Less},
      {"<=", Relation::LessEqual}, {">", Relation::Greater}, {">=", Relation::GreaterEqual},
  };
  const std::string word = in.word("== or another comparison");
  for (const auto& [spelling, value] : kRelations) {
    if (spelling == word) return value;
  }
  usage_error("'{}' compares nothing: use ==, !=, <, <=, > or >=", word);
}

unsigned width_of(std::string_view word) {
  if (word == "byte") return 1;
  if (word == "word") return 2;
  if (word == "dword") return 4;
  return word == "qword" ? 8 : 0;
}

/// "0x417", "0040:0017" or "linear 0xc0000000".
void parse_address(LineScanner& in, MemoryCondition& c) {
  c.linear = in.accept("linear");
  const std::string text = in.word("an address");
  const std::size_t colon = text.find(':');
  if (colon != std::string::npos) {
    c.address = (hexadecimal(text.substr(0, colon), "the segment", 4) << 4) +
                hexadecimal(text.substr(colon + 1), "the offset", 4);
    return;
  }
  const auto number = parse_number(text);
  if (!number) usage_error("'{}' is no address: give 0x417 or 0040:0017", text);
  c.address = *number;
}

MemoryCondition parse_memory(LineScanner& in) {
  MemoryCondition c;
  if (const unsigned width = width_of(in.peek()); width != 0) {
    c.width = width;
    in.word("width");
  }
  parse_address(in, c);
  if (const unsigned width = width_of(in.peek()); width != 0) {
    c.width = width;
    in.word("width");
  }
  if (in.accept("&")) c.mask = in.number("the mask");
  c.relation = relation(in);
  if (!in.peek().empty()) {
    c.value = in.number("the value");
    return c;
  }
  if (c.relation != Relation::Equal && c.relation != Relation::NotEqual)
    usage_error("bytes compare with == or != only");
  const std::string bytes = in.text("the value");
  c.bytes.assign(bytes.begin(), bytes.end());
  if (c.bytes.empty()) usage_error("no bytes to compare with: give a number or \"bytes\"");
  return c;
}

RegisterCondition parse_register(LineScanner& in) {
  RegisterCondition c;
  c.name = in.word("a register's name");
  if (!is_register_name(c.name))
    usage_error("there is no register '{}'{}", c.name, suggestion(c.name, register_names()));
  if (in.accept("&")) c.mask = in.number("the mask");
  c.relation = relation(in);
  c.value = in.number("the value");
  return c;
}

ModeCondition parse_mode(LineScanner& in) {
  ModeCondition c{};
  const std::string word = in.word("text, graphics or a size such as 80x25");
  if (word == "text" || word == "graphics") {
    c.kind = word == "text" ? ModeCondition::Kind::Text : ModeCondition::Kind::Graphics;
    return c;
  }
  c.kind = ModeCondition::Kind::Size;
  const std::size_t x = word.find('x');
  const auto width = parse_number(word.substr(0, x));
  const auto height = x == std::string::npos ? std::nullopt : parse_number(word.substr(x + 1));
  if (!width || !height || *width > 8192 || *height > 8192) {
    usage_error("'{}' is no mode: give text, graphics, 80x25 or 640x480", word);
  }
  c.width = static_cast<unsigned>(*width);
  c.height = static_cast<unsigned>(*height);
  return c;
}

unsigned parse_stream(LineScanner& in) {
  if (in.peek().empty()) return 0;
  return static_cast<unsigned>(in.number("the serial port", 3));
}

EndCondition parse_exit(LineScanner& in) {
  EndCondition c;
  c.reason = machine::StopReason::DebugExit;
  const std::string next = in.peek();
  if (parse_number(next)) c.exit_code = static_cast<int>(in.number("the exit status", 511));
  return c;
}

constexpr std::string_view kConditions[] = {"text",        "serial",   "debugcon", "parallel", "screenshot", "png",
                                            "pixel",       "picture",  "mode",     "cursor",   "mem",        "memory",
                                            "reg",         "register", "hash",     "still",    "poweroff",   "reset",
                                            "triplefault", "exit",     "end",      "idle"};

class Parser {
 public:
  Parser(const std::string& folder, LineScanner& in) : folder_(folder), in_(in) {}

  ConditionKind condition_kind() {
    const std::string what = in_.word("what to look at");
    if (what == "text") return TextCondition{in_.pattern()};
    if (what == "serial") {
      const unsigned stream = parse_stream(in_);
      return StreamCondition{stream, in_.pattern()};
    }
    if (what == "debugcon") return StreamCondition{kDebugconStream, in_.pattern()};
    if (what == "parallel") return StreamCondition{kParallelStream, in_.pattern()};
    if (what == "screenshot" || what == "png") return screenshot();
    if (what == "pixel") return pixel();
    if (what == "picture") return PictureHashCondition{hexadecimal(in_.word("the picture's hash"), "the hash", 16)};
    if (what == "mode") return parse_mode(in_);
    if (what == "cursor") {
      const unsigned column = static_cast<unsigned>(in_.number("the column", 1023));
      return CursorCondition{column, static_cast<unsigned>(in_.number("the row", 1023))};
    }
    if (what == "mem" || what == "memory") return parse_memory(in_);
    if (what == "reg" || what == "register") return parse_register(in_);
    if (what == "hash") return StateHashCondition{hexadecimal(in_.word("the state hash"), "the hash", 16)};
    if (what == "still") return StillCondition{in_.duration("how long")};
    if (what == "poweroff") return EndCondition{machine::StopReason::PowerOff, std::nullopt};
    if (what == "reset") return EndCondition{machine::StopReason::Reset, std::nullopt};
    if (what == "triplefault") return EndCondition{machine::StopReason::TripleFault, std::nullopt};
    if (what == "exit") return parse_exit(in_);
    if (what == "end") return EndCondition{};
    if (what == "idle") return IdleCondition{};
    usage_error("'{}' cannot be looked at{}", what, suggestion(what, kConditions));
  }

  Condition condition() {
    const std::size_t from = in_.position();
    ConditionKind kind = condition_kind();
    return {std::move(kind), in_.spelling(from)};
  }

  CommandKind command() {
    const std::string verb = in_.word("a command");
    for (const auto& [name, parse] : kVerbs) {
      if (name == verb) return (this->*parse)();
    }
    std::vector<std::string_view> names;
    for (const auto& [name, parse] : kVerbs) names.push_back(name);
    usage_error("unknown command '{}'{}", verb, suggestion(verb, names));
  }

 private:
  using Parse = CommandKind (Parser::*)();

  std::string file(std::string_view what) {
    const std::string name = in_.text(what);
    if (name.empty()) usage_error("{} is empty: give a name", what);
    return path_in(folder_, name);
  }

  ScreenshotCondition screenshot() {
    ScreenshotCondition c;
    c.path = file("the picture's file");
    for (;;) {
      if (in_.accept("tolerance")) {
        c.tolerance = static_cast<unsigned>(in_.number("the tolerance", 255));
      } else if (in_.accept("differ")) {
        c.differ = in_.number("the number of pixels", 100'000'000);
      } else if (in_.accept("area")) {
        c.area.x = static_cast<unsigned>(in_.number("x", 8191));
        c.area.y = static_cast<unsigned>(in_.number("y", 8191));
        c.area.width = static_cast<unsigned>(in_.number("the width", 8192));
        c.area.height = static_cast<unsigned>(in_.number("the height", 8192));
        if (c.area.width == 0 || c.area.height == 0) usage_error("an empty area is always the same: give it a size");
      } else {
        return c;
      }
    }
  }

  PixelCondition pixel() {
    PixelCondition c{};
    c.x = static_cast<unsigned>(in_.number("x", 8191));
    c.y = static_cast<unsigned>(in_.number("y", 8191));
    std::string colour = in_.word("the colour, RRGGBB");
    if (colour.starts_with('#')) colour.erase(0, 1);
    c.rgb = static_cast<u32>(hexadecimal(colour, "the colour", 6));
    if (in_.accept("tolerance")) c.tolerance = static_cast<unsigned>(in_.number("the tolerance", 255));
    return c;
  }

  CommandKind machine() {
    MachineCommand c;
    while (!in_.at_end()) c.words.push_back(in_.text("an option"));
    return c;
  }

  CommandKind boot() { return BootCommand{}; }

  CommandKind wait() {
    WaitCommand c;
    do {
      c.any.push_back(condition());
    } while (in_.accept("or"));
    if (!in_.at_end()) c.timeout_ns = in_.duration("the timeout");
    return c;
  }

  CommandKind expect() {
    const bool negated = in_.accept("no") || in_.accept("not");
    return ExpectCommand{condition(), negated};
  }

  CommandKind type() { return TypeCommand{typed_keys(in_.text("what to type"))}; }

  CommandKind keys() {
    TypeCommand c;
    do {
      const std::string name = in_.word("a key");
      std::string unknown;
      const auto combination = key_combination(name, unknown);
      if (!combination) usage_error("there is no key '{}'{}", unknown, suggestion(unknown, key_names()));
      append_combination(c.keys, *combination, true);
    } while (!in_.at_end());
    return c;
  }

  CommandKind press_or_release(bool down) {
    const std::string name = in_.word("a key");
    const auto key = key_from_name(name);
    if (!key) usage_error("there is no key '{}'{}", name, suggestion(name, key_names()));
    return PressCommand{*key, down};
  }
  CommandKind press() { return press_or_release(true); }
  CommandKind release() {
    if (in_.at_end()) return InputCommand{machine::ReleaseKeys{}};
    return press_or_release(false);
  }

  CommandKind mouse() {
    const std::string what = in_.word("move, to, down, up or wheel");
    if (what == "move") {
      const i32 dx = static_cast<i32>(in_.signed_number("the way to the right", 8192));
      return MoveCommand{dx, static_cast<i32>(in_.signed_number("the way down", 8192))};
    }
    if (what == "to") {
      const unsigned x = static_cast<unsigned>(in_.number("x", 8191));
      return PointCommand{x, static_cast<unsigned>(in_.number("y", 8191))};
    }
    if (what == "down") return ButtonsCommand{in_.at_end() ? u8{1} : button()};
    if (what == "up") return ButtonsCommand{0};
    if (what == "wheel") return WheelCommand{static_cast<i32>(in_.signed_number("the notches", 100))};
    static constexpr std::string_view kWhat[] = {"move", "to", "down", "up", "wheel"};
    usage_error("a mouse cannot '{}'{}", what, suggestion(what, kWhat));
  }

  u8 button() {
    const std::string name = in_.word("left, right or middle");
    if (name == "left") return 1;
    if (name == "right") return 2;
    if (name == "middle") return 4;
    usage_error("there is no button '{}': left, right and middle are", name);
  }
  CommandKind click() { return ClickCommand{in_.at_end() ? u8{1} : button(), 1}; }
  CommandKind doubleclick() { return ClickCommand{in_.at_end() ? u8{1} : button(), 2}; }

  CommandKind run() {
    if (in_.accept("to")) {
      if (!in_.accept("tick")) usage_error("run to what? Write: run to tick N");
      return RunToTickCommand{in_.number("the tick")};
    }
    return RunCommand{in_.duration("how long")};
  }

  CommandKind send() {
    SendCommand c{};
    c.port = static_cast<u8>(parse_stream(in_));
    const std::string bytes = in_.text("what to send");
    c.bytes.assign(bytes.begin(), bytes.end());
    return c;
  }

  CommandKind take_screenshot() { return ScreenshotCommand{file("the picture's file")}; }
  CommandKind save_text() { return SaveTextCommand{file("the file")}; }

  machine::DriveId drive() {
    const std::string name = in_.word("a drive");
    const auto id = machine::drive_from_name(name);
    if (!id) usage_error("there is no drive '{}': floppy0, floppy1, ide0 to ide3 and cdrom are", name);
    return *id;
  }
  CommandKind insert() {
    const machine::DriveId id = drive();
    const std::string path = file("the image");
    return InsertCommand{id, path, in_.accept("readonly")};
  }
  CommandKind eject() {
    const machine::DriveId id = drive();
    return InputCommand{machine::EjectMedium{id, in_.accept("force")}};
  }

  CommandKind reset() { return InputCommand{machine::ResetButton{}}; }
  CommandKind power_button() { return InputCommand{machine::PowerButton{}}; }
  CommandKind nmi() { return InputCommand{machine::NmiButton{}}; }

  CommandKind print() {
    PrintCommand c{};
    const std::string what = in_.peek();
    if (what.empty()) {
      c.what = PrintCommand::What::Message;
      c.message = in_.text("the message");
      return c;
    }
    in_.word("what");
    if (what == "text") {
      c.what = PrintCommand::What::Text;
    } else if (what == "serial") {
      c.what = PrintCommand::What::Stream;
      c.stream = in_.at_end() ? 0 : static_cast<unsigned>(in_.number("the serial port", 3));
    } else if (what == "debugcon") {
      c.what = PrintCommand::What::Stream;
      c.stream = kDebugconStream;
    } else if (what == "hash") {
      c.what = PrintCommand::What::StateHash;
    } else if (what == "picture") {
      c.what = PrintCommand::What::PictureHash;
    } else if (what == "registers") {
      c.what = PrintCommand::What::Registers;
    } else {
      static constexpr std::string_view kWhat[] = {"text", "serial", "debugcon", "hash", "picture", "registers"};
      usage_error("'{}' cannot be printed{}; a message needs quotes", what, suggestion(what, kWhat));
    }
    return c;
  }

  CommandKind test() { return TestCommand{in_.text("the test's name")}; }
  CommandKind timeout() { return TimeoutCommand{in_.duration("the timeout")}; }
  CommandKind skip() {
    SkipCommand c;
    if (in_.accept("unless")) {
      if (!in_.accept("file")) usage_error("skip unless what? Write: skip unless file NAME");
      c.unless_file = file("the file");
      c.reason = in_.at_end() ? "there is no " + c.unless_file : in_.text("the reason");
    } else {
      c.reason = in_.text("the reason");
    }
    return c;
  }
  CommandKind fail() { return FailCommand{in_.at_end() ? "the script says so" : in_.text("the message")}; }
  CommandKind exit() { return ExitCommand{in_.at_end() ? 0 : static_cast<int>(in_.number("the status", 255))}; }

  static constexpr std::pair<std::string_view, Parse> kVerbs[] = {
      {"machine", &Parser::machine},
      {"boot", &Parser::boot},
      {"wait", &Parser::wait},
      {"expect", &Parser::expect},
      {"assert", &Parser::expect},
      {"type", &Parser::type},
      {"key", &Parser::keys},
      {"keys", &Parser::keys},
      {"press", &Parser::press},
      {"release", &Parser::release},
      {"mouse", &Parser::mouse},
      {"click", &Parser::click},
      {"doubleclick", &Parser::doubleclick},
      {"run", &Parser::run},
      {"send", &Parser::send},
      {"screenshot", &Parser::take_screenshot},
      {"screen-text", &Parser::save_text},
      {"insert", &Parser::insert},
      {"eject", &Parser::eject},
      {"reset", &Parser::reset},
      {"powerbutton", &Parser::power_button},
      {"nmi", &Parser::nmi},
      {"print", &Parser::print},
      {"test", &Parser::test},
      {"timeout", &Parser::timeout},
      {"skip", &Parser::skip},
      {"fail", &Parser::fail},
      {"exit", &Parser::exit},
  };

  const std::string& folder_;
  LineScanner& in_;
};

}  // namespace

Script parse_script(const std::string& path, std::string_view text,
                    const std::map<std::string, std::string>& variables) {
  Script script;
  script.path = path;
  const std::size_t slash = path.rfind('/');
  if (slash != std::string::npos) script.folder = path.substr(0, std::max<std::size_t>(slash, 1));

  std::map<std::string, std::string> set;
  const auto look_up = [&](const std::string& name) -> std::optional<std::string> {
    if (const auto found = variables.find(name); found != variables.end()) return found->second;
    if (const char* value = std::getenv(name.c_str())) return std::string(value);
    if (const auto found = set.find(name); found != set.end()) return found->second;
    return std::nullopt;
  };

  unsigned number = 0;
  while (!text.empty()) {
    ++number;
    const std::size_t end = std::min(text.find('\n'), text.size());
    LineScanner in(text.substr(0, end), look_up);
    text.remove_prefix(std::min(end + 1, text.size()));
    try {
      while (in.next_command()) {
        const std::size_t from = in.position();
        if (in.accept("set")) {
          const std::string name = in.word("the variable's name");
          set[name] = in.text("its value");
          in.finish();
          continue;
        }
        Parser parser(script.folder, in);
        CommandKind kind = parser.command();
        in.finish();
        script.commands.push_back({number, in.spelling(from), std::move(kind)});
      }
    } catch (const UsageError& error) {
      usage_error("{}:{}: {}", path, number, error.what());
    }
  }
  return script;
}

}  // namespace orrery::frontend
