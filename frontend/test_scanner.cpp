#include "frontend/test_scanner.h"

#include <charconv>

#include "frontend/key_values.h"
#include "frontend/usage_error.h"

namespace orrery::frontend {
namespace {

bool blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

std::optional<unsigned> hex_digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A' + 10);
  return std::nullopt;
}

}  // namespace

void LineScanner::skip_blanks() {
  while (at_ < line_.size() && blank(line_[at_])) ++at_;
  if (at_ < line_.size() && line_[at_] == '#' && (at_ == 0 || blank(line_[at_ - 1]) || line_[at_ - 1] == ';')) {
    at_ = line_.size();
  }
}

bool LineScanner::at_end() {
  skip_blanks();
  return at_ >= line_.size() || line_[at_] == ';';
}

bool LineScanner::next_command() {
  skip_blanks();
  if (at_ < line_.size() && line_[at_] == ';') ++at_;
  while (at_end() && at_ < line_.size()) ++at_;
  return at_ < line_.size();
}

std::string LineScanner::spelling(std::size_t from) const {
  std::string_view text = line_.substr(from, at_ - from);
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return std::string(text);
}

std::string LineScanner::peek() {
  const std::size_t before = at_;
  std::string next;
  if (!at_end() && line_[at_] != '"' && line_[at_] != '/') next = word("word");
  at_ = before;
  return next;
}

bool LineScanner::accept(std::string_view expected) {
  if (peek() != expected) return false;
  word("word");
  return true;
}

std::string LineScanner::expand() {
  // At "${".
  const std::size_t end = line_.find('}', at_);
  if (end == std::string_view::npos) usage_error("'${{' without '}}': write ${{NAME}}");
  const std::string name(line_.substr(at_ + 2, end - at_ - 2));
  at_ = end + 1;
  const std::optional<std::string> value = variables_ ? variables_(name) : std::nullopt;
  if (!value)
    usage_error("the variable {} has no value: give --set {}=VALUE, or `set {} VALUE` in the script", name, name, name);
  return *value;
}

std::string LineScanner::word(std::string_view what) {
  if (at_end()) usage_error("{} is missing", what);
  if (line_[at_] == '"') usage_error("{} is expected, not a string", what);
  std::string result;
  while (at_ < line_.size() && !blank(line_[at_]) && line_[at_] != ';') {
    if (line_[at_] == '$' && at_ + 1 < line_.size() && line_[at_ + 1] == '{') {
      result += expand();
    } else {
      result += line_[at_++];
    }
  }
  return result;
}

std::string LineScanner::quoted() {
  std::string result;
  ++at_;
  while (at_ < line_.size() && line_[at_] != '"') {
    if (line_[at_] == '$' && at_ + 1 < line_.size() && line_[at_ + 1] == '{') {
      result += expand();
      continue;
    }
    if (line_[at_] != '\\' || at_ + 1 == line_.size()) {
      result += line_[at_++];
      continue;
    }
    const char c = line_[at_ + 1];
    at_ += 2;
    switch (c) {
      case 'n': result += '\n'; break;
      case 'r': result += '\r'; break;
      case 't': result += '\t'; break;
      case 'e': result += '\x1b'; break;
      case '"': result += '"'; break;
      case '\\': result += '\\'; break;
      case '$': result += '$'; break;
      case 'x': {
        const auto high = at_ < line_.size() ? hex_digit(line_[at_]) : std::nullopt;
        const auto low = at_ + 1 < line_.size() ? hex_digit(line_[at_ + 1]) : std::nullopt;
        if (!high || !low) usage_error("\\x needs two hexadecimal digits");
        result += static_cast<char>(*high << 4 | *low);
        at_ += 2;
        break;
      }
      default: result += '\\'; result += c;
    }
  }
  if (at_ == line_.size()) usage_error("a string has no end: close it with \"");
  ++at_;
  return result;
}

std::string LineScanner::text(std::string_view what) {
  if (at_end()) usage_error("{} is missing", what);
  return line_[at_] == '"' ? quoted() : word(what);
}

Pattern LineScanner::pattern() {
  if (at_end()) usage_error("what to look for is missing: give \"text\" or /regex/");
  if (line_[at_] == '"') return Pattern::plain(quoted());
  if (line_[at_] != '/') usage_error("'{}' is neither \"text\" nor /regex/: put quotes around it", peek());
  std::string expression;
  ++at_;
  while (at_ < line_.size() && line_[at_] != '/') {
    if (line_[at_] == '\\' && at_ + 1 < line_.size()) {
      if (line_[at_ + 1] != '/') expression += '\\';
      ++at_;
    }
    expression += line_[at_++];
  }
  if (at_ == line_.size()) usage_error("a regular expression has no end: close it with /");
  ++at_;
  const bool ignore_case = at_ < line_.size() && line_[at_] == 'i';
  if (ignore_case) ++at_;
  return Pattern::regex(expression, ignore_case);
}

u64 LineScanner::number(std::string_view what, u64 max) {
  const std::string digits = word(what);
  const std::optional<u64> value = parse_number(digits);
  if (!value || *value > max) usage_error("{} '{}' is no number from 0 to {}", what, digits, max);
  return *value;
}

i64 LineScanner::signed_number(std::string_view what, i64 limit) {
  const std::string digits = word(what);
  i64 value = 0;
  const char* begin = digits.data() + (digits.starts_with('+') ? 1 : 0);
  const auto [end, error] = std::from_chars(begin, digits.data() + digits.size(), value);
  if (error != std::errc{} || end != digits.data() + digits.size() || value < -limit || value > limit) {
    usage_error("{} '{}' is no number from -{} to {}", what, digits, limit, limit);
  }
  return value;
}

u64 LineScanner::duration(std::string_view what) {
  const std::string text = word(what);
  const std::optional<u64> ns = parse_duration(text);
  if (!ns) usage_error("{} '{}' is no time: give virtual seconds, for example 30s or 500ms", what, text);
  return *ns;
}

void LineScanner::finish() {
  if (!at_end()) usage_error("'{}' is too much here: leave it out, or put ';' before it", line_.substr(at_));
}

}  // namespace orrery::frontend
