#include "cpu/pairs.h"

#include <unordered_map>

namespace orrery::cpu {
namespace {

struct Key {
  Handler first, second;
  bool operator==(const Key&) const = default;
};

struct KeyHash {
  std::size_t operator()(const Key& k) const {
    const auto a = reinterpret_cast<std::uintptr_t>(k.first), b = reinterpret_cast<std::uintptr_t>(k.second);
    return (a >> 4) * 31 + (b >> 4);
  }
};

const std::unordered_map<Key, Handler, KeyHash>& table() {
  static const std::unordered_map<Key, Handler, KeyHash> all = [] {
    std::unordered_map<Key, Handler, KeyHash> made;
    for (const auto group : {flat_pairs(), real_pairs(), branch_pairs()}) {
      for (const Pair& pair : group) made.emplace(Key{pair.first, pair.second}, pair.both);
    }
    return made;
  }();
  return all;
}

}  // namespace

Handler pair_of(Handler first, Handler second) {
  const auto found = table().find({first, second});
  return found != table().end() ? found->second : nullptr;
}

void make_pairs(std::span<Insn> insns) {
  // From the end: a branch goes with what sets its flags.
  for (std::size_t n = insns.size(); n >= 2;) {
    Insn& first = insns[n - 2];
    if (const Handler both = pair_of(first.handler, insns[n - 1].handler); both != nullptr) {
      first.handler = both;
      first.bits |= Insn::kPair;
      n -= 2;
    } else {
      --n;
    }
  }
}

}  // namespace orrery::cpu
