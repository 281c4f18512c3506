// CPU models are data: what CPUID answers and which table lines decode.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hw/core/types.h"

namespace orrery::cpu {

/// CPUID feature names as the SDM and QEMU write them; each opcode table line may ask for one.
// clang-format off
enum class Feature : u8 {
  I386,  // everything decodes on at least a 386
  I486,  // BSWAP, CMPXCHG, XADD, INVLPG, WBINVD, INVD, the AC and ID flags
  Fpu, Vme, De, Pse, Tsc, Msr, Pae, Mce, Cx8, Apic, Sep, Mtrr, Pge, Mca, Cmov, Pat, Pse36, Clflush, Mmx, Fxsr, Sse, Sse2,
  Sse3, Pclmulqdq, Monitor, Ssse3, Fma, Cx16, Sse41, Sse42, Movbe, Popcnt, Aes, Xsave, Avx, F16c, Rdrand, Hypervisor,
  Fsgsbase, Bmi1, Avx2, Smep, Bmi2, Erms, Invpcid, Rdseed, Adx, Smap, Clflushopt, Sha, Umip, TscDeadline,
  Syscall, Nx, Pdpe1gb, Rdtscp, Lm, LahfLm, Abm, Prefetchw,
  Count,
};
// clang-format on

class FeatureSet {
 public:
  constexpr bool has(Feature f) const { return (bits_ >> static_cast<unsigned>(f)) & 1; }
  constexpr void set(Feature f, bool on = true) {
    const u64 mask = u64{1} << static_cast<unsigned>(f);
    bits_ = on ? bits_ | mask : bits_ & ~mask;
  }
  constexpr u64 raw() const { return bits_; }
  bool operator==(const FeatureSet&) const = default;

 private:
  u64 bits_ = 0;
};
static_assert(static_cast<unsigned>(Feature::Count) <= 64);

struct CpuidResult {
  u32 eax = 0, ebx = 0, ecx = 0, edx = 0;
};

struct Model {
  std::string name;         // as given to -cpu, for example "pentium2"
  std::string description;  // for -cpu help
  std::string vendor;       // 12 characters
  std::string brand;        // up to 48 characters, may be empty
  u32 family = 0, model = 0, stepping = 0;
  u32 max_leaf = 0;  // highest basic CPUID leaf; 0 and no CPUID instruction for the 386
  u32 max_extended_leaf = 0;
  unsigned physical_bits = 32, linear_bits = 32;
  u64 frequency = 0;  // of the time-stamp counter, in Hz of virtual time
  FeatureSet features;

  CpuidResult cpuid(u32 leaf, u32 subleaf) const;
  bool has(Feature f) const { return features.has(f); }
};

/// All models, for -cpu help.
const std::vector<Model>& models();
/// Parses "pentium2,-mmx,+sse". On an error returns nothing and sets `error` to one line that names the near matches.
std::optional<Model> parse_model(std::string_view text, std::string& error);
/// The model of `-cpu` when none is given.
std::string_view default_model_name();

}  // namespace orrery::cpu
