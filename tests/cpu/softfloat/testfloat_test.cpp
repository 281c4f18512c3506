// The vectors of Berkeley TestFloat in ../shared/suites/testfloat, if they are there: results and flags exact.
//
// A file name gives operation, precision control (extF80) and rounding mode: extF80_add.p32.near_even.txt.gz. A line is
// operands, result, flags (1 inexact, 2 underflow, 4 overflow, 8 divide by zero, 16 invalid) in hexadecimal.
#include <gtest/gtest.h>
#include <zlib.h>

#include <filesystem>
#include <functional>
#include <map>
#include <sstream>

#include "cpu/softfloat/arithmetic.h"
#include "cpu/softfloat/convert.h"

namespace orrery::cpu::soft {
namespace {

namespace fs = std::filesystem;

using Words = std::vector<std::string>;

template <class F> F parse(const std::string& text) {
  return F{static_cast<decltype(F::bits)>(std::stoull(text, nullptr, 16))};
}
template <> F80 parse<F80>(const std::string& text) {
  return {.significand = std::stoull(text.substr(4), nullptr, 16),
          .sign_exponent = static_cast<u16>(std::stoul(text.substr(0, 4), nullptr, 16))};
}

std::string hex(u64 v, unsigned digits) {
  std::string out(digits, '0');
  for (unsigned n = digits; n-- > 0; v >>= 4) out[n] = "0123456789ABCDEF"[v & 15];
  return out;
}
std::string text_of(F32 v) { return hex(v.bits, 8); }
std::string text_of(F64 v) { return hex(v.bits, 16); }
std::string text_of(F80 v) { return hex(v.sign_exponent, 4) + hex(v.significand, 16); }
std::string text_of(bool v) { return v ? "1" : "0"; }

unsigned berkeley_flags(u8 flags) {
  return ((flags & kInexact) != 0 ? 1u : 0) | ((flags & kUnderflow) != 0 ? 2u : 0) |
         ((flags & kOverflow) != 0 ? 4u : 0) | ((flags & kDivideByZero) != 0 ? 8u : 0) |
         ((flags & kInvalid) != 0 ? 16u : 0);
}

using Operation = std::function<std::string(Env&, const Words&)>;

template <class F> void add_operations(std::map<std::string, Operation>& ops, const std::string& name) {
  const auto unary = [](const Words& w) { return unpack(parse<F>(w[0])); };
  const auto second = [](const Words& w) { return unpack(parse<F>(w[1])); };
  ops[name + "_add"] = [=](Env& e, const Words& w) { return text_of(add<F>(e, unary(w), second(w))); };
  ops[name + "_sub"] = [=](Env& e, const Words& w) { return text_of(subtract<F>(e, unary(w), second(w))); };
  ops[name + "_mul"] = [=](Env& e, const Words& w) { return text_of(multiply<F>(e, unary(w), second(w))); };
  ops[name + "_div"] = [=](Env& e, const Words& w) { return text_of(divide<F>(e, unary(w), second(w))); };
  ops[name + "_sqrt"] = [=](Env& e, const Words& w) { return text_of(square_root<F>(e, unary(w))); };
  ops[name + "_roundToInt"] = [=](Env& e, const Words& w) {
    return text_of(round_to_integer<F>(e, unary(w), e.rounding));
  };
  ops[name + "_to_i32"] = [=](Env& e, const Words& w) { return hex(static_cast<u32>(to_integer(e, unary(w), 32)), 8); };
  ops[name + "_to_i64"] = [=](Env& e, const Words& w) {
    return hex(static_cast<u64>(to_integer(e, unary(w), 64)), 16);
  };
  if constexpr (!std::is_same_v<F, F32>) {
    ops[name + "_to_f32"] = [=](Env& e, const Words& w) { return text_of(convert<F32>(e, unary(w))); };
  }
  if constexpr (!std::is_same_v<F, F64>) {
    ops[name + "_to_f64"] = [=](Env& e, const Words& w) { return text_of(convert<F64>(e, unary(w))); };
  }
  if constexpr (!std::is_same_v<F, F80>) {
    ops[name + "_to_extF80"] = [=](Env& e, const Words& w) { return text_of(convert<F80>(e, unary(w))); };
    ops[name + "_mulAdd"] = [=](Env& e, const Words& w) {
      return text_of(multiply_add<F>(e, unary(w), second(w), unpack(parse<F>(w[2]))));
    };
  }
  ops["i32_to_" + name] = [](Env& e, const Words& w) {
    return text_of(from_integer<F>(e, static_cast<i32>(std::stoul(w[0], nullptr, 16))));
  };
  ops["i64_to_" + name] = [](Env& e, const Words& w) {
    return text_of(from_integer<F>(e, static_cast<i64>(std::stoull(w[0], nullptr, 16))));
  };
  const auto comparison = [&](const std::string& op, bool quiet, bool less, bool equal) {
    ops[name + op] = [=](Env& e, const Words& w) {
      const Order o = compare(e, unary(w), second(w), quiet);
      return text_of((less && o == Order::Less) || (equal && o == Order::Equal));
    };
  };
  comparison("_eq", true, false, true);
  comparison("_eq_signaling", false, false, true);
  comparison("_le", false, true, true);
  comparison("_le_quiet", true, true, true);
  comparison("_lt", false, true, false);
  comparison("_lt_quiet", true, true, false);
}

/// FPREM1 until it is complete.
std::string whole_remainder(Env& e, const Words& w) {
  F80 a = parse<F80>(w[0]);
  const F80 b = parse<F80>(w[1]);
  for (;;) {
    const Remainder r = remainder(e, unpack(a), unpack(b), true);
    if (r.complete) return text_of(r.value);
    a = r.value;
  }
}

std::map<std::string, Operation> operations() {
  std::map<std::string, Operation> ops;
  add_operations<F32>(ops, "f32");
  add_operations<F64>(ops, "f64");
  add_operations<F80>(ops, "extF80");
  ops["extF80_rem"] = whole_remainder;
  return ops;
}

std::vector<std::string> lines_of(const fs::path& path) {
  std::vector<std::string> lines;
  gzFile file = gzopen(path.c_str(), "rb");
  if (file == nullptr) return lines;
  char buffer[256];
  while (gzgets(file, buffer, sizeof buffer) != nullptr) lines.emplace_back(buffer);
  gzclose(file);
  return lines;
}

TEST(TestFloat, EveryVectorGivesTheExactResultAndFlags) {
  const fs::path folder = fs::path(ORRERY_SOURCE_DIR) / ".." / "shared" / "suites" / "testfloat";
  if (!fs::exists(folder)) GTEST_SKIP() << "no TestFloat vectors in " << folder.lexically_normal();
  const std::map<std::string, Operation> ops = operations();
  const std::map<std::string, Rounding> modes{
      {"near_even", Rounding::Nearest}, {"min", Rounding::Down}, {"max", Rounding::Up}, {"minMag", Rounding::Zero}};
  unsigned vectors = 0, failures = 0;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string file = entry.path().filename().string();
    if (!file.ends_with(".txt.gz")) continue;
    Env start;
    std::istringstream parts(file.substr(0, file.size() - 7));
    std::string operation, part;
    std::getline(parts, operation, '.');
    while (std::getline(parts, part, '.')) {
      if (modes.contains(part)) start.rounding = modes.at(part);
      if (part == "p32") start.precision = 24;
      if (part == "p64") start.precision = 53;
    }
    ASSERT_TRUE(ops.contains(operation)) << file;
    for (const std::string& line : lines_of(entry.path())) {
      std::istringstream in(line);
      Words words(std::istream_iterator<std::string>(in), {});
      ASSERT_GE(words.size(), 3u) << file << ": " << line;
      Env env = start;
      const std::string result = ops.at(operation)(env, words);
      ++vectors;
      const std::string& wanted = words[words.size() - 2];
      const bool same = result == wanted && berkeley_flags(env.flags) == std::stoul(words.back(), nullptr, 16);
      if (same) continue;
      ++failures;
      ADD_FAILURE() << file << ": " << line << "  got " << result << " " << berkeley_flags(env.flags);
      ASSERT_LT(failures, 20u);
    }
  }
  EXPECT_GT(vectors, 300000u);
}

}  // namespace
}  // namespace orrery::cpu::soft
