// CPU models and their CPUID leaves (SDM vol. 2, CPUID; AMD APM vol. 3, appendix E for the extended leaves).
#include "cpu/model.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace orrery::cpu {
namespace {

using enum Feature;

enum class Reg : u8 { None, Edx1, Ecx1, Ebx7, Ecx7, EdxExt, EcxExt };

struct FeatureLine {
  Feature feature;
  std::string_view name;
  Reg reg;
  unsigned bit;
};

// clang-format off
constexpr FeatureLine kFeatures[] = {
    {Fpu, "fpu", Reg::Edx1, 0}, {Vme, "vme", Reg::Edx1, 1}, {De, "de", Reg::Edx1, 2}, {Pse, "pse", Reg::Edx1, 3},
    {Tsc, "tsc", Reg::Edx1, 4}, {Msr, "msr", Reg::Edx1, 5}, {Pae, "pae", Reg::Edx1, 6}, {Mce, "mce", Reg::Edx1, 7},
    {Cx8, "cx8", Reg::Edx1, 8}, {Apic, "apic", Reg::Edx1, 9}, {Sep, "sep", Reg::Edx1, 11}, {Mtrr, "mtrr", Reg::Edx1, 12},
    {Pge, "pge", Reg::Edx1, 13}, {Mca, "mca", Reg::Edx1, 14}, {Cmov, "cmov", Reg::Edx1, 15}, {Pat, "pat", Reg::Edx1, 16},
    {Pse36, "pse36", Reg::Edx1, 17}, {Clflush, "clflush", Reg::Edx1, 19}, {Mmx, "mmx", Reg::Edx1, 23},
    {Fxsr, "fxsr", Reg::Edx1, 24}, {Sse, "sse", Reg::Edx1, 25}, {Sse2, "sse2", Reg::Edx1, 26},
    {Sse3, "sse3", Reg::Ecx1, 0}, {Pclmulqdq, "pclmulqdq", Reg::Ecx1, 1}, {Monitor, "monitor", Reg::Ecx1, 3},
    {Ssse3, "ssse3", Reg::Ecx1, 9}, {Fma, "fma", Reg::Ecx1, 12}, {Cx16, "cx16", Reg::Ecx1, 13},
    {Sse41, "sse4.1", Reg::Ecx1, 19}, {Sse42, "sse4.2", Reg::Ecx1, 20}, {Movbe, "movbe", Reg::Ecx1, 22},
    {Popcnt, "popcnt", Reg::Ecx1, 23}, {TscDeadline, "tsc-deadline", Reg::Ecx1, 24}, {Aes, "aes", Reg::Ecx1, 25}, {Xsave, "xsave", Reg::Ecx1, 26},
    {Avx, "avx", Reg::Ecx1, 28}, {F16c, "f16c", Reg::Ecx1, 29}, {Rdrand, "rdrand", Reg::Ecx1, 30},
    {Hypervisor, "hypervisor", Reg::Ecx1, 31},
    {Fsgsbase, "fsgsbase", Reg::Ebx7, 0}, {Bmi1, "bmi1", Reg::Ebx7, 3}, {Avx2, "avx2", Reg::Ebx7, 5},
    {Smep, "smep", Reg::Ebx7, 7}, {Bmi2, "bmi2", Reg::Ebx7, 8}, {Erms, "erms", Reg::Ebx7, 9},
    {Invpcid, "invpcid", Reg::Ebx7, 10}, {Rdseed, "rdseed", Reg::Ebx7, 18}, {Adx, "adx", Reg::Ebx7, 19},
    {Smap, "smap", Reg::Ebx7, 20}, {Clflushopt, "clflushopt", Reg::Ebx7, 23}, {Sha, "sha-ni", Reg::Ebx7, 29},
    {Umip, "umip", Reg::Ecx7, 2},
    {Syscall, "syscall", Reg::EdxExt, 11}, {Nx, "nx", Reg::EdxExt, 20}, {Pdpe1gb, "pdpe1gb", Reg::EdxExt, 26},
    {Rdtscp, "rdtscp", Reg::EdxExt, 27}, {Lm, "lm", Reg::EdxExt, 29},
    {LahfLm, "lahf-lm", Reg::EcxExt, 0}, {Abm, "abm", Reg::EcxExt, 5}, {Prefetchw, "3dnowprefetch", Reg::EcxExt, 8},
};
// clang-format on

constexpr FeatureSet set_of(std::initializer_list<Feature> list, FeatureSet base = {}) {
  for (const Feature f : list) base.set(f);
  return base;
}

/// What this build has: only these are ever announced, whatever a model's data sheet lists. A feature joins when the
/// last of its instructions has a semantic and a test.
constexpr FeatureSet kBuilt =
    set_of({I386, I486,  Fpu,   Fxsr,  Vme,   De,     Pse,       Tsc,   Msr,        Pae,        Mce,  Cx8,
            Apic, Sep,   Mtrr,  Pge,   Mca,   Cmov,   Pat,       Pse36, Clflush,    Mmx,        Sse,  Sse2,
            Sse3, Ssse3, Sse41, Sse42, Movbe, Popcnt, Pclmulqdq, Aes,   Hypervisor, Bmi1,       Smep, Bmi2,
            Erms, Adx,   Smap,  Sha,   Umip,  Nx,     Rdtscp,    Abm,   Prefetchw,  TscDeadline});

// Families, each on top of the one before.
constexpr FeatureSet k386 = set_of({I386, Fpu});
constexpr FeatureSet k486 = set_of({I486}, k386);
constexpr FeatureSet kPentium = set_of({Vme, De, Pse, Tsc, Msr, Mce, Cx8, Apic}, k486);
constexpr FeatureSet kPentiumMmx = set_of({Mmx}, kPentium);
constexpr FeatureSet kPentiumPro = set_of({Pae, Mtrr, Pge, Mca, Cmov}, kPentium);
constexpr FeatureSet kPentium2 = set_of({Mmx, Sep, Pse36, Fxsr}, kPentiumPro);
constexpr FeatureSet kPentium3 = set_of({Sse, Pat}, kPentium2);
constexpr FeatureSet kPentium4 = set_of({Sse2, Clflush}, kPentium3);
constexpr FeatureSet kQemu32 = set_of({Sse3, Hypervisor}, kPentium4);
constexpr FeatureSet kCore2 = set_of({Sse3, Ssse3, Cx16, Monitor, Syscall, Nx, Lm, LahfLm}, kPentium4);
constexpr FeatureSet kLevel2 = set_of({Sse41, Sse42, Popcnt, Hypervisor}, kCore2);
constexpr FeatureSet kLevel3 =
    set_of({TscDeadline, Avx, Avx2, Bmi1, Bmi2, F16c, Fma, Abm, Movbe, Xsave, Rdtscp}, kLevel2);

constexpr u64 kMhz = 1'000'000;

constexpr std::string_view kIntel = "GenuineIntel";

std::vector<Model> make_models() {
  std::vector<Model> list;
  const auto add = [&](Model m) {
    const FeatureSet wanted = m.features;
    m.features = {};
    for (unsigned n = 0; n < static_cast<unsigned>(Count); ++n) {
      const auto f = static_cast<Feature>(n);
      m.features.set(f, wanted.has(f) && kBuilt.has(f));
    }
    if (m.vendor.empty()) m.vendor = kIntel;
    list.push_back(std::move(m));
  };
  // clang-format off
  add({.name = "386", .description = "Intel 386DX with 387 (and BSWAP and WBINVD, for SeaBIOS)", .vendor = {}, .brand = {}, .family = 3, .stepping = 8,
       .frequency = 33 * kMhz, .features = k386});
  add({.name = "486", .description = "Intel 486DX4", .vendor = {}, .brand = {}, .family = 4, .model = 8, .max_leaf = 1,
       .frequency = 100 * kMhz, .features = k486});
  add({.name = "pentium", .description = "Intel Pentium", .vendor = {}, .brand = {}, .family = 5, .model = 2, .stepping = 12,
       .max_leaf = 1, .frequency = 133 * kMhz, .features = kPentium});
  add({.name = "pentium-mmx", .description = "Intel Pentium MMX", .vendor = {}, .brand = {}, .family = 5, .model = 4,
       .stepping = 3, .max_leaf = 1, .frequency = 200 * kMhz, .features = kPentiumMmx});
  add({.name = "pentiumpro", .description = "Intel Pentium Pro", .vendor = {}, .brand = {}, .family = 6, .model = 1,
       .stepping = 9, .max_leaf = 2, .physical_bits = 36, .frequency = 200 * kMhz, .features = kPentiumPro});
  add({.name = "pentium2", .description = "Intel Pentium II", .vendor = {}, .brand = {}, .family = 6, .model = 5, .stepping = 2,
       .max_leaf = 2, .physical_bits = 36, .frequency = 400 * kMhz, .features = kPentium2});
  add({.name = "pentium3", .description = "Intel Pentium III", .vendor = {}, .brand = {}, .family = 6, .model = 8, .stepping = 6,
       .max_leaf = 2, .physical_bits = 36, .frequency = 1000 * kMhz, .features = kPentium3});
  add({.name = "pentium4", .description = "Intel Pentium 4", .vendor = {}, .brand = "Intel(R) Pentium(R) 4 CPU 2.00GHz",
       .family = 15, .model = 2, .stepping = 9, .max_leaf = 2, .max_extended_leaf = 0x80000004, .physical_bits = 36,
       .frequency = 2000 * kMhz, .features = kPentium4});
  add({.name = "qemu32", .description = "what QEMU calls its plain 32-bit CPU", .vendor = {},
       .brand = "Orrery virtual CPU", .family = 6, .model = 6, .stepping = 3, .max_leaf = 4, .max_extended_leaf = 0x80000004,
       .physical_bits = 36, .frequency = 1000 * kMhz, .features = kQemu32});
  add({.name = "core2", .description = "Intel Core 2 Duo", .vendor = {}, .brand = "Intel(R) Core(TM)2 Duo CPU T7700 @ 2.40GHz",
       .family = 6, .model = 15, .stepping = 11, .max_leaf = 10, .max_extended_leaf = 0x80000008, .physical_bits = 40,
       .linear_bits = 48, .frequency = 2400 * kMhz, .features = kCore2});
  add({.name = "x86-64-v2", .description = "the x86-64-v2 level: SSE4.2, POPCNT", .vendor = {}, .brand = "Orrery x86-64-v2 CPU",
       .family = 6, .model = 26, .stepping = 3, .max_leaf = 13, .max_extended_leaf = 0x80000008, .physical_bits = 40,
       .linear_bits = 48, .frequency = 2400 * kMhz, .features = kLevel2});
  add({.name = "x86-64-v3", .description = "the x86-64-v3 level but for AVX, AVX2, FMA and F16C: BMI, LZCNT, MOVBE", .vendor = {}, .brand = "Orrery x86-64-v3 CPU",
       .family = 6, .model = 60, .stepping = 4, .max_leaf = 13, .max_extended_leaf = 0x80000008, .physical_bits = 40,
       .linear_bits = 48, .frequency = 2400 * kMhz, .features = kLevel3});
  add({.name = "max", .description = "everything that this version emulates", .vendor = {}, .brand = "Orrery virtual CPU",
       .family = 6, .model = 60, .stepping = 4, .max_leaf = 13, .max_extended_leaf = 0x80000008, .physical_bits = 40,
       .linear_bits = 48, .frequency = 2400 * kMhz, .features = kBuilt});
  // clang-format on
  return list;
}

struct Alias {
  std::string_view name, model;
};
/// Other names for models, so that command lines written for other emulators work.
constexpr Alias kAliases[] = {
    {"i386", "386"},
    {"i486", "486"},
    {"i586", "pentium"},
    {"i686", "pentiumpro"},
    {"pentium_mmx", "pentium-mmx"},
    {"pentium-pro", "pentiumpro"},
    {"pentium_pro", "pentiumpro"},
    {"core2duo", "core2"},
    {"qemu64", "core2"},
    {"kvm32", "qemu32"},
    {"kvm64", "core2"},
    {"host", "max"},
    {"base", "486"},
};

/// Other names for features.
constexpr Alias kFeatureAliases[] = {
    {"pni", "sse3"},      {"tsc-deadline-timer", "tsc-deadline"},
    {"sse41", "sse4.1"},  {"sse42", "sse4.2"},
    {"sse4-1", "sse4.1"}, {"sse4-2", "sse4.2"},
    {"i64", "lm"},        {"xd", "nx"},
    {"lzcnt", "abm"},     {"sha", "sha-ni"},
    {"cmpxchg8b", "cx8"}, {"cmpxchg16b", "cx16"},
    {"cx-16", "cx16"},
};

unsigned edit_distance(std::string_view a, std::string_view b) {
  std::vector<unsigned> row(b.size() + 1);
  for (unsigned n = 0; n < row.size(); ++n) row[n] = n;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    unsigned diagonal = row[0]++;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const unsigned next = std::min({row[j] + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0u : 1u)});
      diagonal = std::exchange(row[j], next);
    }
  }
  return row.back();
}

/// "; did you mean 'x' or 'y'?", or nothing if nothing is near.
std::string near_matches(std::string_view word, const std::vector<std::string_view>& choices) {
  std::vector<std::pair<unsigned, std::string_view>> near;
  for (const std::string_view c : choices) {
    const unsigned d = edit_distance(word, c);
    if (d <= 1 + word.size() / 3) near.emplace_back(d, c);
  }
  std::sort(near.begin(), near.end());
  std::string text;
  for (std::size_t n = 0; n < std::min<std::size_t>(near.size(), 3); ++n) {
    text += fmt::format("{}'{}'", n == 0 ? "; did you mean " : " or ", near[n].second);
  }
  return text.empty() ? text : text + "?";
}

std::string normalised(std::string_view word) {
  std::string out(word);
  for (char& c : out) c = c == '_' ? '-' : static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  return out;
}

const FeatureLine* find_feature(std::string_view word) {
  const std::string name = normalised(word);
  std::string_view wanted = name;
  for (const Alias& a : kFeatureAliases) {
    if (a.name == name) wanted = a.model;
  }
  for (const FeatureLine& f : kFeatures) {
    if (f.name == wanted) return &f;
  }
  return nullptr;
}

const Model* find_model(std::string_view word) {
  std::string_view wanted = word;
  for (const Alias& a : kAliases) {
    if (a.name == word) wanted = a.model;
  }
  for (const Model& m : models()) {
    if (m.name == wanted) return &m;
  }
  return nullptr;
}

/// Applies "+sse", "-mmx", "sse=on"; on an error returns false.
bool apply_feature(Model& m, std::string_view word, std::string& error) {
  bool on = true;
  std::string_view name = word;
  if (name.starts_with('+') || name.starts_with('-')) {
    on = name.front() == '+';
    name.remove_prefix(1);
  } else if (const auto equals = name.find('='); equals != std::string_view::npos) {
    const std::string_view value = name.substr(equals + 1);
    name = name.substr(0, equals);
    if (value != "on" && value != "off" && value != "yes" && value != "no") {
      error = fmt::format("CPU feature '{}': '{}' is not on or off", name, value);
      return false;
    }
    on = value == "on" || value == "yes";
  }
  const FeatureLine* f = find_feature(name);
  if (f == nullptr) {
    std::vector<std::string_view> names;
    for (const FeatureLine& line : kFeatures) names.push_back(line.name);
    error = fmt::format("unknown CPU feature '{}'{}", name, near_matches(name, names));
    return false;
  }
  if (on && !kBuilt.has(f->feature)) {
    error = fmt::format("CPU feature '{}' is not emulated in this version; leave it out", f->name);
    return false;
  }
  m.features.set(f->feature, on);
  return true;
}

u32 feature_word(const Model& m, Reg reg) {
  u32 bits = 0;
  for (const FeatureLine& f : kFeatures) {
    if (f.reg == reg && m.has(f.feature)) bits |= 1u << f.bit;
  }
  return bits;
}

/// Four characters of a text at `offset`, zero-padded.
u32 text_word(std::string_view text, std::size_t offset) {
  u32 word = 0;
  for (unsigned n = 0; n < 4 && offset + n < text.size(); ++n)
    word |= u32{static_cast<u8>(text[offset + n])} << (8 * n);
  return word;
}

u32 signature(const Model& m) {
  u32 v = m.stepping | (m.model & 15) << 4;
  if (m.family >= 15) {
    v |= 15u << 8 | (m.family - 15) << 20;
  } else {
    v |= m.family << 8;
  }
  if (m.family == 6 || m.family >= 15) v |= (m.model >> 4) << 16;
  return v;
}

/// Leaf 4: L1 data, L1 code and a unified L2, as core2 has them.
CpuidResult cache_leaf(u32 subleaf) {
  struct Cache {
    u32 type, level, ways, sets;
  };
  constexpr Cache kCaches[] = {{1, 1, 8, 64}, {2, 1, 8, 64}, {3, 2, 16, 4096}};
  if (subleaf >= std::size(kCaches)) return {};
  const Cache& c = kCaches[subleaf];
  return {.eax = c.type | c.level << 5 | 1u << 8, .ebx = 63 | (c.ways - 1) << 22, .ecx = c.sets - 1, .edx = 1};
}

/// Leaf 13: the XSAVE area.
CpuidResult xsave_leaf(const Model& m, u32 subleaf) {
  if (!m.has(Xsave)) return {};
  const bool avx = m.has(Avx);
  const u32 size = avx ? 832 : 576;
  if (subleaf == 0) return {.eax = avx ? 7u : 3u, .ebx = size, .ecx = size, .edx = 0};
  if (subleaf == 2 && avx) return {.eax = 256, .ebx = 576, .ecx = 0, .edx = 0};
  return {};
}

CpuidResult basic_leaf(const Model& m, u32 leaf, u32 subleaf) {
  switch (leaf) {
    case 0:
      return {.eax = m.max_leaf,
              .ebx = text_word(m.vendor, 0),
              .ecx = text_word(m.vendor, 8),
              .edx = text_word(m.vendor, 4)};
    case 1:
      return {.eax = signature(m),
              .ebx = m.has(Clflush) ? 0x800u : 0,
              .ecx = feature_word(m, Reg::Ecx1),
              .edx = feature_word(m, Reg::Edx1)};
    case 2:  // 4 KiB and 4 MiB TLBs, 16 KiB L1 caches, 512 KiB L2
      return {.eax = 0x03020101, .ebx = 0, .ecx = 0, .edx = 0x0c040843};
    case 4: return cache_leaf(subleaf);
    case 7:
      if (subleaf != 0) return {};
      return {.eax = 0, .ebx = feature_word(m, Reg::Ebx7), .ecx = feature_word(m, Reg::Ecx7), .edx = 0};
    case 13: return xsave_leaf(m, subleaf);
    default: return {};
  }
}

CpuidResult extended_leaf(const Model& m, u32 leaf) {
  switch (leaf) {
    case 0x80000000: return {.eax = m.max_extended_leaf, .ebx = 0, .ecx = 0, .edx = 0};
    case 0x80000001:
      return {.eax = 0, .ebx = 0, .ecx = feature_word(m, Reg::EcxExt), .edx = feature_word(m, Reg::EdxExt)};
    case 0x80000002:
    case 0x80000003:
    case 0x80000004: {
      const std::size_t o = (leaf - 0x80000002) * 16;
      return {.eax = text_word(m.brand, o),
              .ebx = text_word(m.brand, o + 4),
              .ecx = text_word(m.brand, o + 8),
              .edx = text_word(m.brand, o + 12)};
    }
    case 0x80000006: return {.eax = 0, .ebx = 0, .ecx = 0x10008040, .edx = 0};  // L2: 4 MiB, 16 ways, 64-byte lines
    case 0x80000008: return {.eax = m.physical_bits | m.linear_bits << 8, .ebx = 0, .ecx = 0, .edx = 0};
    default: return {};
  }
}

}  // namespace

CpuidResult Model::cpuid(u32 leaf, u32 subleaf) const {
  if (leaf >= 0x80000000 && leaf <= max_extended_leaf) return extended_leaf(*this, leaf);
  if (has(Hypervisor) && leaf == 0x40000000) {
    return {.eax = leaf,
            .ebx = text_word("OrreryOrrery", 0),
            .ecx = text_word("OrreryOrrery", 4),
            .edx = text_word("OrreryOrrery", 8)};
  }
  // Beyond the highest leaf, the data of the highest basic one (SDM CPUID).
  return basic_leaf(*this, std::min(leaf, max_leaf), subleaf);
}

const std::vector<Model>& models() {
  static const std::vector<Model> list = make_models();
  return list;
}

std::optional<Model> parse_model(std::string_view text, std::string& error) {
  const auto take_word = [&text] {
    const std::size_t comma = text.find(',');
    const std::string_view word = text.substr(0, comma);
    text = comma == std::string_view::npos ? std::string_view{} : text.substr(comma + 1);
    return word;
  };
  const std::string_view whole = text;
  const std::string name = normalised(take_word());
  const Model* found = find_model(name);
  if (found == nullptr) {
    std::vector<std::string_view> names;
    for (const Model& m : models()) names.push_back(m.name);
    for (const Alias& a : kAliases) names.push_back(a.name);
    error = fmt::format("unknown CPU model '{}'{} (-cpu help lists them)", name, near_matches(name, names));
    return std::nullopt;
  }
  Model model = *found;
  while (!text.empty()) {
    if (!apply_feature(model, take_word(), error)) return std::nullopt;
  }
  model.name = whole;
  return model;
}

std::string_view default_model_name() { return "max"; }

}  // namespace orrery::cpu
