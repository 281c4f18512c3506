#include "frontend/monitor_expression.h"

#include <array>
#include <cctype>

#include "frontend/key_values.h"
#include "frontend/register_names.h"
#include "frontend/usage_error.h"

namespace orrery::frontend {
namespace {

class Parser {
 public:
  Parser(const cpu::Cpu& cpu, std::string_view text) : cpu_(cpu), text_(text), left_(text) {}

  u64 all() {
    const u64 value = binary(0);
    blanks();
    if (!left_.empty()) fail(left_);
    return value;
  }

 private:
  static constexpr unsigned kDeepest = 100;

  [[noreturn]] void fail(std::string_view at) const {
    if (at.empty()) usage_error("'{}' breaks off: a number or register is missing", text_);
    usage_error("'{}' in '{}' is neither number, register nor operator: write numbers as 16 or 0x10, registers as $eax",
                at, text_);
  }

  void blanks() {
    while (!left_.empty() && left_.front() == ' ') left_.remove_prefix(1);
  }
  bool take(std::string_view sign) {
    blanks();
    if (!left_.starts_with(sign)) return false;
    left_.remove_prefix(sign.size());
    return true;
  }

  /// Operators of `level` and those that bind more strongly, as in C.
  u64 binary(unsigned level) {
    static constexpr std::array<std::array<std::string_view, 3>, 6> kOperators = {
        {{"|", "", ""}, {"^", "", ""}, {"&", "", ""}, {"<<", ">>", ""}, {"+", "-", ""}, {"*", "/", "%"}}};
    if (level == kOperators.size()) return unary();
    u64 value = binary(level + 1);
    for (;;) {
      std::string_view found;
      for (const std::string_view sign : kOperators[level]) {
        if (!sign.empty() && found.empty() && take(sign)) found = sign;
      }
      if (found.empty()) return value;
      value = apply(found, value, binary(level + 1));
    }
  }

  static u64 apply(std::string_view sign, u64 a, u64 b) {
    switch (sign[0]) {
      case '|': return a | b;
      case '^': return a ^ b;
      case '&': return a & b;
      case '<': return b < 64 ? a << b : 0;
      case '>': return b < 64 ? a >> b : 0;
      case '+': return a + b;
      case '-': return a - b;
      case '*': return a * b;
      default: break;
    }
    if (b == 0) usage_error("a division by zero has no value");
    return sign[0] == '/' ? a / b : a % b;
  }

  u64 unary() {
    if (++depth_ > kDeepest) usage_error("that is nested too deeply");
    u64 value = 0;
    if (take("-")) {
      value = ~unary() + 1;
    } else if (take("~")) {
      value = ~unary();
    } else if (take("+")) {
      value = unary();
    } else if (take("(")) {
      value = binary(0);
      if (!take(")")) fail(left_);
    } else {
      value = word();
    }
    --depth_;
    return value;
  }

  u64 word() {
    const bool is_register = take("$");
    blanks();
    std::size_t n = 0;
    while (n < left_.size() &&
           (std::isalnum(static_cast<unsigned char>(left_[n])) != 0 || left_[n] == '.' || left_[n] == '_'))
      ++n;
    std::string name(left_.substr(0, n));
    if (name.empty()) fail(left_);
    left_.remove_prefix(n);
    if (!is_register) {
      if (const auto number = parse_number(name)) return *number;
    }
    for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    if (name == "pc") return (cpu_.state().seg[cpu::kCs].base + cpu_.state().rip) & 0xffffffff;
    if (name == "sp" && is_register) name = "esp";
    if (name == "fp" && is_register) name = "ebp";
    if (const auto value = register_value(cpu_, name)) return *value;
    fail(name);
  }

  const cpu::Cpu& cpu_;
  std::string_view text_;
  std::string_view left_;
  unsigned depth_ = 0;
};

}  // namespace

u64 evaluate(const cpu::Cpu& cpu, std::string_view text) { return Parser(cpu, text).all(); }

u64 evaluate_address(const cpu::Cpu& cpu, std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) {
    // As an address the instruction pointer is the next instruction's, as in QEMU's monitor.
    const std::string_view name = text.starts_with('$') ? text.substr(1) : text;
    const bool pointer = name == "eip" || name == "rip" || name == "ip";
    return evaluate(cpu, pointer ? "pc" : text);
  }
  std::string segment(text.substr(0, colon));
  std::string offset(text.substr(colon + 1));
  if (segment.starts_with('$')) segment.erase(0, 1);
  if (const auto base = register_value(cpu, segment + ".base")) return (*base + evaluate(cpu, offset)) & 0xffffffff;
  const auto hexadecimal = [](const std::string& digits) {
    return parse_number(digits.starts_with("0x") ? digits : "0x" + digits);
  };
  const auto number = hexadecimal(segment);
  if (!number || *number > 0xffff) {
    usage_error("'{}' is no segment: give a segment register or a hexadecimal number up to ffff", segment);
  }
  const auto plain = hexadecimal(offset);
  return (*number << 4) + (plain ? *plain : evaluate(cpu, offset));
}

}  // namespace orrery::frontend
