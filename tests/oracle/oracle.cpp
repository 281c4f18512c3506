// The oracle: random cases from the instruction table, on the host's processor and on ours. See README.md.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <sstream>
#include <string>

#include "tests/oracle/compare.h"
#include "tests/oracle/emulated.h"
#include "tests/oracle/generator.h"
#include "tests/oracle/native.h"

namespace orrery::oracle {
namespace {

using cpu::Feature;

/// Words of /proc/cpuinfo for features that not every x86-64 processor has.
bool host_has(Feature f) {
  static const std::string flags = [] {
    std::ifstream in("/proc/cpuinfo");
    for (std::string text; std::getline(in, text);) {
      if (text.starts_with("flags")) return text + " ";
    }
    return std::string();
  }();
  const char* word = nullptr;
  switch (f) {
    case Feature::Sse3: word = "pni"; break;
    case Feature::Ssse3: word = "ssse3"; break;
    case Feature::Sse41: word = "sse4_1"; break;
    case Feature::Sse42: word = "sse4_2"; break;
    case Feature::Popcnt: word = "popcnt"; break;
    case Feature::Movbe: word = "movbe"; break;
    case Feature::Aes: word = "aes"; break;
    case Feature::Pclmulqdq: word = "pclmulqdq"; break;
    case Feature::Sha: word = "sha_ni"; break;
    case Feature::Bmi1: word = "bmi1"; break;
    case Feature::Bmi2: word = "bmi2"; break;
    case Feature::Abm: word = "abm"; break;
    case Feature::Adx: word = "adx"; break;
    case Feature::Cx16: word = "cx16"; break;
    case Feature::LahfLm: word = "lahf_lm"; break;
    case Feature::Fsgsbase: word = "fsgsbase"; break;
    case Feature::Clflushopt: word = "clflushopt"; break;
    case Feature::Prefetchw: word = "3dnowprefetch"; break;
    case Feature::Smap: word = "smap"; break;
    case Feature::Invpcid: word = "invpcid"; break;
    case Feature::Avx: word = "avx"; break;
    case Feature::Avx2: word = "avx2"; break;
    case Feature::Fma: word = "fma"; break;
    case Feature::F16c: word = "f16c"; break;
    default: return true;
  }
  return flags.find(std::string(" ") + word + " ") != std::string::npos;
}

bool allowed(Feature f) {
  static const cpu::Model model = Emulated::model();
  return model.has(f) && host_has(f);
}

struct Options {
  u64 seed = 1, seeds = ~u64{0}, cases = kSlots;
  double seconds = 10;
  u32 groups = (1u << kGroups) - 1;
  unsigned bits = 7, reports = 20;
};

/// A long run that is interrupted says how far it came.
volatile std::sig_atomic_t interrupted = 0;

struct Tally {
  std::array<std::array<u64, kGroups>, 3> instructions{};  // by Bits
  std::array<std::array<u64, 32>, 3> vectors{};
  u64 cases = 0, faults = 0, different = 0, skipped = 0, lost = 0;
  std::map<std::string, u64> by_op;
};

class Oracle {
 public:
  explicit Oracle(const Options& options) : o_(options), generator_(allowed, options.groups) {}

  int run();

 private:
  void batch(u64 seed, Bits bits, bool long_mode);
  bool is_elsewhere(Batch b, unsigned n, bool long_mode);
  void count_case(const Case& c, unsigned slot, const Outcome& o);
  void tell(const Batch& b, unsigned n, std::string_view what, const Outcome& native, const Outcome& ours);
  Emulated& ours(bool long_mode) { return long_mode ? long_ : legacy_; }

  Options o_;
  Generator generator_;
  Native native_;
  Emulated legacy_{false}, long_{true};
  Tally tally_;
  std::vector<Outcome> a_ = std::vector<Outcome>(kSlots), b_ = std::vector<Outcome>(kSlots);
  std::vector<u8> memory_a_ = std::vector<u8>(kDataBytes), memory_b_ = std::vector<u8>(kDataBytes);
};

void Oracle::tell(const Batch& b, unsigned n, std::string_view what, const Outcome& native, const Outcome& emulated) {
  ++tally_.different;
  const Case& c = b.cases[n];
  std::string ops;
  for (unsigned k = 0; k < c.count; ++k) ops += std::string(k == 0 ? "" : "+") + std::string(cpu::line(c.op[k]).id);
  ++tally_.by_op[fmt::format("{}: {}", c.count == 1 ? ops : "(several)", what)];
  if (tally_.different <= o_.reports) {
    fmt::print("DIFFERENCE --seed {} --bits {} case {}: {}\n{}\n", b.seed,
               c.bits == Bits::B16   ? 16
               : c.bits == Bits::B32 ? 32
                                     : 64,
               n, what, report(c, n, native, emulated));
  }
}

/// Whether a case that differs, and may have come to another one's code, does so only because of what is there: code
/// that leaves something undefined, or to the processor, of which only its own case knows.
bool Oracle::is_elsewhere(Batch b, unsigned n, bool long_mode) {
  const auto count = static_cast<unsigned>(b.cases.size());
  for (unsigned m = 0; m < count; ++m) {
    Case& c = b.cases[m];
    const auto end = c.op.begin() + c.count;
    const bool open = std::any_of(c.undefined.begin(), c.undefined.end(), [](u32 flags) { return flags != 0; }) ||
                      std::any_of(c.op.begin(), end, [](u16 op) {
                        return approximate(op) || stores_image(op) || cpu::line(op).semantic == "Lar";
                      });
    if (m == n || !open) continue;
    c.code.fill(0x90);
    c.count = 0;
  }
  ours(long_mode).run(b, count, b_, memory_b_);
  return native_.run(b, count, a_, memory_a_) && difference(b.cases[n], n, a_[n], b_[n]).empty();
}

void Oracle::batch(u64 seed, Bits bits, bool long_mode) {
  Batch b = generator_.make(seed, bits, static_cast<unsigned>(o_.cases));
  const auto count = static_cast<unsigned>(b.cases.size());
  // First all, and no word about memory from the first partial store on; then without those and what does not end.
  std::vector<bool> out(count);
  const auto leave_out = [&](unsigned n) {
    out[n] = true;
    b.cases[n].code.fill(0x90);
    b.cases[n].count = 0;
  };
  for (unsigned round = 0; round < 4; ++round) {
    ours(long_mode).run(b, count, b_, memory_b_);
    bool again = false;
    for (unsigned n = 0; n < count; ++n) {
      if (b_[n].vector != kHang && !left(b.cases[n], b_[n])) continue;
      again = true;
      ++tally_.skipped;
      leave_out(n);
    }
    if (!again) break;
    if (round == 3) return;
  }
  for (unsigned round = 0; round < 6; ++round) {
    if (!native_.run(b, count, a_, memory_a_)) {
      ++tally_.lost;
      return;
    }
    std::vector<unsigned> partial;
    for (unsigned n = 0; n < count; ++n) {
      const Case& c = b.cases[n];
      if (out[n]) continue;
      if (const std::string what = difference(c, n, a_[n], b_[n]); !what.empty()) {
        const Outcome native = a_[n], emulated = b_[n];
        if (c.wanders && is_elsewhere(b, n, long_mode)) {
          ++tally_.skipped;
        } else {
          tell(b, n, what, native, emulated);
        }
        return;
      }
      if (is_choice(a_[n], b_[n]) || !stores_in_part(c, n, a_[n]).empty()) partial.push_back(n);
      if (!partial.empty()) break;
    }
    if (partial.empty()) break;
    if (round == 5) return;
    for (const unsigned n : partial) {
      count_case(b.cases[n], n, a_[n]);
      leave_out(n);
    }
    ours(long_mode).run(b, count, b_, memory_b_);
  }
  if (memory_a_ == memory_b_) {
    for (unsigned n = 0; n < count; ++n) {
      if (!out[n]) count_case(b.cases[n], n, a_[n]);
    }
    return;
  }
  // The first case after which memory differs.
  unsigned low = 0, high = count;
  while (high - low > 1) {
    const unsigned middle = (low + high) / 2;
    ours(long_mode).run(b, middle, b_, memory_b_);
    if (!native_.run(b, middle, a_, memory_a_)) return;
    (memory_a_ == memory_b_ ? low : high) = middle;
  }
  ours(long_mode).run(b, high, b_, memory_b_);
  if (!native_.run(b, high, a_, memory_a_)) return;
  if (b.cases[high - 1].wanders) {
    // To another case that stores an image, perhaps, whose pointers were not blanked then.
    for (unsigned n = 0; n < high; ++n) {
      if (b.cases[n].count == 1 && stores_image(b.cases[n].op[0])) leave_out(n);
    }
    ours(long_mode).run(b, high, b_, memory_b_);
    if (!native_.run(b, high, a_, memory_a_) || memory_a_ == memory_b_) {
      ++tally_.skipped;
      return;
    }
  }
  tell(b, high - 1, "memory", a_[high - 1], b_[high - 1]);
  unsigned shown = 0;
  for (u64 n = 0; n < kDataBytes && shown < 12 && tally_.different <= o_.reports; ++n) {
    if (memory_a_[n] == memory_b_[n]) continue;
    fmt::print("    {:08x}: {:02x} {:02x}\n", kDataBase + n, memory_a_[n], memory_b_[n]);
    ++shown;
  }
}

void Oracle::count_case(const Case& c, unsigned slot, const Outcome& o) {
  ++tally_.cases;
  unsigned done = c.count;
  if (o.vector != kEnd) {
    ++tally_.faults;
    ++tally_.vectors[static_cast<unsigned>(c.bits)][o.vector & 31];
    const u64 at = o.rip + code_base(o.seg[cpu::kCs]) - slot_address(slot);
    for (done = 0; done < c.count && c.start[done] < at;) ++done;
    done = std::min<unsigned>(done + 1, c.count);
  }
  for (unsigned k = 0; k < done; ++k) ++tally_.instructions[static_cast<unsigned>(c.bits)][group_of(c.op[k])];
}

int Oracle::run() {
  using Clock = std::chrono::steady_clock;
  const auto begin = Clock::now();
  const auto seconds = [&] { return std::chrono::duration<double>(Clock::now() - begin).count(); };
  u64 seed = o_.seed;
  std::signal(SIGINT, [](int) { interrupted = 1; });
  std::signal(SIGTERM, [](int) { interrupted = 1; });
  do {
    for (unsigned bits = 0; bits < 3; ++bits) {
      if ((o_.bits >> bits & 1) == 0) continue;
      batch(seed, static_cast<Bits>(bits), bits == 2 || (seed & 1) != 0);
    }
    ++seed;
  } while (seconds() < o_.seconds && seed - o_.seed < o_.seeds && interrupted == 0);
  fmt::print(
      "{} cases equal ({} of them faults), {} different, {} skipped, {} batches lost; {:.0f} cases/s; seeds {} to {}\n",
      tally_.cases, tally_.faults, tally_.different, tally_.skipped, tally_.lost,
      static_cast<double>(tally_.cases) / seconds(), o_.seed, seed - 1);
  fmt::print("  instructions {:>12} {:>12} {:>12}\n", "16-bit", "32-bit", "64-bit");
  const auto row = [](std::string_view name, u64 a, u64 b, u64 c) {
    if ((a | b | c) != 0) fmt::print("  {:12} {:12} {:12} {:12}\n", name, a, b, c);
  };
  std::array<u64, 3> sum{};
  for (unsigned g = 0; g < kGroups; ++g) {
    const auto& i = tally_.instructions;
    for (unsigned bits = 0; bits < 3; ++bits) sum[bits] += i[bits][g];
    row(group_name(g), i[0][g], i[1][g], i[2][g]);
  }
  row("all", sum[0], sum[1], sum[2]);
  for (unsigned v = 0; v < 32; ++v)
    row(fmt::format("vector {}", v), tally_.vectors[0][v], tally_.vectors[1][v], tally_.vectors[2][v]);
  std::vector<std::pair<u64, std::string>> rows;
  for (const auto& [what, n] : tally_.by_op) rows.emplace_back(n, what);
  std::sort(rows.rbegin(), rows.rend());
  for (unsigned n = 0; n < rows.size() && n < 60; ++n) fmt::print("  {:6} {}\n", rows[n].first, rows[n].second);
  return tally_.different != 0 || tally_.cases == 0 ? 1 : 0;
}

int usage() {
  fmt::print(
      "oracle [--seed N] [--seeds N] [--seconds S] [--bits 16,32,64] [--groups integer,...] [--reports N] [--cases "
      "N]\n");
  return 2;
}

}  // namespace
}  // namespace orrery::oracle

int main(int argc, char** argv) {
  using namespace orrery::oracle;
  using orrery::u32;
  Options o;
  for (int n = 1; n < argc; ++n) {
    const std::string option = argv[n];
    if (++n >= argc) return usage();
    const std::string value = argv[n];
    if (option == "--seed") {
      o.seed = std::strtoull(value.c_str(), nullptr, 0);
    } else if (option == "--seconds") {
      o.seconds = std::strtod(value.c_str(), nullptr);
    } else if (option == "--seeds") {
      o.seeds = std::strtoull(value.c_str(), nullptr, 0);
    } else if (option == "--reports") {
      o.reports = static_cast<unsigned>(std::strtoul(value.c_str(), nullptr, 0));
    } else if (option == "--cases") {
      o.cases = std::min<unsigned long>(std::max(1ul, std::strtoul(value.c_str(), nullptr, 0)), kSlots);
    } else if (option == "--bits") {
      o.bits = (value.find("16") != value.npos ? 1u : 0u) | (value.find("32") != value.npos ? 2u : 0u) |
               (value.find("64") != value.npos ? 4u : 0u);
    } else if (option == "--groups") {
      o.groups = 0;
      std::istringstream words(value);
      for (std::string word; std::getline(words, word, ',');) {
        for (unsigned g = 0; g < kGroups; ++g) o.groups |= word == group_name(g) ? 1u << g : 0u;
      }
      if (o.groups == 0) return usage();
    } else {
      return usage();
    }
  }
  if (const std::string why = Native::unavailable(); !why.empty()) {
    fmt::print("skipped: {}\n", why);
    return 77;
  }
  return Oracle(o).run();
}
