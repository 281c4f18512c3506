// Vector values: 128 bits as two quadwords, 64 bits (MMX) as one u64; and their lanes.
#pragma once

#include <array>
#include <bit>
#include <type_traits>

#include "hw/core/types.h"

namespace orrery::cpu {

/// The lower 128 bits of a vector register, or 16 bytes of memory; q[0] has the lower addresses.
struct Vec128 {
  u64 q[2];
  bool operator==(const Vec128&) const = default;
};

namespace simd {

template <class T, class V> inline constexpr unsigned kLanes = sizeof(V) / sizeof(T);

/// Lanes of a vector, by number; V is Vec128 or u64, T an integer of up to 64 bits.
template <class T, class V> using Lanes = std::array<T, kLanes<T, V>>;

template <class T, class V> constexpr Lanes<T, V> lanes(const V& v) {
  if constexpr (std::endian::native == std::endian::little) {
    return std::bit_cast<Lanes<T, V>>(v);
  } else {
    const auto q = std::bit_cast<std::array<u64, sizeof(V) / 8>>(v);
    Lanes<T, V> r{};
    for (std::size_t n = 0; n < r.size(); ++n) r[n] = static_cast<T>(q[n * sizeof(T) / 8] >> (n * sizeof(T) % 8 * 8));
    return r;
  }
}

template <class V, class T> constexpr V join(const Lanes<T, V>& lanes) {
  if constexpr (std::endian::native == std::endian::little) {
    return std::bit_cast<V>(lanes);
  } else {
    using U = std::make_unsigned_t<T>;
    std::array<u64, sizeof(V) / 8> q{};
    for (std::size_t n = 0; n < lanes.size(); ++n) {
      q[n * sizeof(T) / 8] |= u64{static_cast<U>(lanes[n])} << (n * sizeof(T) % 8 * 8);
    }
    return std::bit_cast<V>(q);
  }
}

/// The compiler's vector of N bytes: its operators work on all lanes at once, whatever the host has for that.
template <class T, std::size_t N> using HostVector __attribute__((vector_size(N))) = T;

/// The lanes of V, in their order.
template <class T, class V> HostVector<T, sizeof(V)> host_vector(const V& v) {
  return std::bit_cast<HostVector<T, sizeof(V)>>(lanes<T>(v));
}
template <class V, class L> V from_host(L l) {
  static_assert(sizeof(V) == sizeof(L));
  using T = std::remove_cvref_t<decltype(l[0])>;
  return join<V, T>(std::bit_cast<Lanes<T, V>>(l));
}

}  // namespace simd
}  // namespace orrery::cpu
