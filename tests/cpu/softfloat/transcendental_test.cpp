// The transcendental functions against MPFR (Debian: libmpfr-dev), with hundreds of bits: every result within one unit
// in the last place of the exact one, nearest within a hair of half a unit, the others on the right side of it, C1
// true.
//
// ORRERY_MPFR_CASES says how many operands each function gets (30000).
#include <gtest/gtest.h>

#ifdef ORRERY_HAVE_MPFR
#include <mpfr.h>

#include <cstdlib>
#include <random>
#include <string>

#include "cpu/softfloat/transcendental.h"

namespace orrery::cpu::soft {
namespace {

constexpr mpfr_prec_t kBits = 500;

class Real {
 public:
  explicit Real(mpfr_prec_t bits = kBits) { mpfr_init2(v_, bits); }
  explicit Real(F80 v) : Real(kBits) {
    mpfr_set_ui_2exp(v_, v.significand, std::max(v.sign_exponent & 0x7fff, 1) - 16383 - 63, MPFR_RNDN);
    if ((v.sign_exponent & 0x8000) != 0) mpfr_neg(v_, v_, MPFR_RNDN);
  }
  ~Real() { mpfr_clear(v_); }
  Real(const Real&) = delete;
  Real& operator=(const Real&) = delete;
  operator mpfr_ptr() { return v_; }  // NOLINT: reads as MPFR does

 private:
  mpfr_t v_;
};

class Operands {
 public:
  u64 bits() { return engine_(); }
  unsigned below(unsigned n) { return static_cast<unsigned>(bits() % n); }
  /// With an exponent between the two.
  F80 number(int lowest, int highest) {
    u64 sig = bits();
    switch (below(5)) {
      case 0: sig = 0; break;
      case 1: sig = ~u64{0} << below(64); break;
      case 2: sig = u64{1} << below(64); break;
      default: break;
    }
    const auto range = static_cast<unsigned>(highest - lowest + 1);
    const int exp = lowest + static_cast<int>(below(range));
    const auto sign = static_cast<u16>(bits() & 0x8000);
    if (exp < -16382) return {.significand = (sig | kTopBit) >> below(63), .sign_exponent = sign};
    return {.significand = sig | kTopBit, .sign_exponent = static_cast<u16>(sign | static_cast<unsigned>(exp + 16383))};
  }
  /// Often of a common size.
  F80 any(int lowest, int highest) {
    return below(3) == 0 ? number(lowest, highest) : number(std::max(lowest, -8), std::min(highest, 8));
  }

 private:
  std::mt19937_64 engine_{20};
};

std::string text_of(F80 v) {
  char text[40];
  std::snprintf(text, sizeof text, "%04x:%016llx", unsigned{v.sign_exponent},
                static_cast<unsigned long long>(v.significand));
  return text;
}

/// Worst errors seen, in units of the last place.
struct Worst {
  double nearest = 0, directed = 0;
};

/// Judges `got`, rounded by env.rounding, by `exact`, which was rounded towards zero.
void judge(const Env& env, F80 got, Real& exact, Worst& worst, const std::string& what) {
  ASSERT_FALSE((got.sign_exponent & 0x7fff) == 0x7fff && (got.significand << 1) != 0) << what << ": a NaN";
  if (mpfr_get_exp(exact) > 16384) {  // 2^16384 or more
    EXPECT_NE(env.flags & kOverflow, 0) << what;
    return;
  }
  Real ours(got), error;
  if ((got.sign_exponent & 0x7fff) == 0x7fff) mpfr_set_ui_2exp(ours, 1, 16384, MPFR_RNDN);
  mpfr_sub(error, ours, exact, MPFR_RNDN);
  const mpfr_exp_t last = std::max<mpfr_exp_t>(mpfr_get_exp(exact), 64 - 16445) - 64;  // of 0 it is the least there is
  mpfr_mul_2si(error, error, -last, MPFR_RNDN);
  const double units = mpfr_get_d(error, MPFR_RNDN) * (mpfr_signbit(exact) != 0 ? -1 : 1);  // > 0: too far from zero
  const bool negative = mpfr_signbit(exact) != 0;
  Rounding rounding = env.rounding;
  if (negative && rounding == Rounding::Up)
    rounding = Rounding::Zero;
  else if (negative && rounding == Rounding::Down)
    rounding = Rounding::Up;
  const double size = units < 0 ? -units : units;
  if (rounding == Rounding::Nearest) {
    worst.nearest = std::max(worst.nearest, size);
    EXPECT_LE(size, 0.500001) << what << " gives " << text_of(got);
  } else {
    worst.directed = std::max(worst.directed, size);
    EXPECT_LT(size, 1.000001) << what << " gives " << text_of(got);
    const bool away = rounding == Rounding::Up;
    EXPECT_TRUE(away ? mpfr_cmpabs(ours, exact) >= 0 : mpfr_cmpabs(ours, exact) <= 0)
        << what << " gives " << text_of(got);
  }
  if ((env.flags & kInexact) != 0) {
    EXPECT_EQ(env.rounded_up, mpfr_cmpabs(ours, exact) > 0) << what;
  } else {
    EXPECT_EQ(mpfr_cmp(ours, exact), 0) << what << " is not exact";
  }
}

class Transcendental : public testing::Test {
 protected:
  /// f(env, operands, exact) computes both and gives what to judge and print.
  template <class F> void run(const char* name, F&& f) {
    const char* wanted = std::getenv("ORRERY_MPFR_CASES");
    const int cases = wanted != nullptr ? std::atoi(wanted) : 30000;
    Worst worst;
    for (int n = 0; n < cases && !HasFailure(); ++n) {
      Env env;
      env.rounding = n % 2 == 0 ? Rounding::Nearest : static_cast<Rounding>(operands_.below(4));
      Real exact;
      std::string what = name;
      const F80 got = f(env, exact, what);
      judge(env, got, exact, worst, what + " RC " + std::to_string(static_cast<unsigned>(env.rounding)));
    }
    RecordProperty("worst_nearest", std::to_string(worst.nearest));
    RecordProperty("worst_directed", std::to_string(worst.directed));
  }
  Operands operands_;
};

/// A number near a multiple of pi/2.
F80 near_multiple(Operands& operands) {
  Real x;
  mpfr_const_pi(x, MPFR_RNDN);
  mpfr_mul_ui(x, x, operands.bits() >> (1 + operands.below(63)), MPFR_RNDN);
  mpfr_div_2ui(x, x, 1, MPFR_RNDN);
  if (mpfr_zero_p(x)) return operands.any(-20, 20);
  Real rounded(64);
  mpfr_set(rounded, x, MPFR_RNDN);
  const mpfr_exp_t exp = mpfr_get_exp(rounded);
  mpfr_mul_2si(rounded, rounded, 64 - exp, MPFR_RNDN);
  if (exp > 63) return operands.any(-20, 20);
  return {.significand = mpfr_get_ui(rounded, MPFR_RNDN), .sign_exponent = static_cast<u16>(exp - 1 + 16383)};
}

F80 angle(Operands& operands) { return operands.below(4) == 0 ? near_multiple(operands) : operands.any(-16445, 62); }

TEST_F(Transcendental, SineIsWithinAUnit) {
  run("fsin", [&](Env& env, Real& exact, std::string& what) {
    const F80 a = angle(operands_);
    what += " " + text_of(a);
    Real x(a);
    mpfr_sin(exact, x, MPFR_RNDZ);
    F80 got;
    EXPECT_TRUE(sine_cosine(env, unpack(a), &got, nullptr)) << what;
    return got;
  });
}

TEST_F(Transcendental, CosineIsWithinAUnit) {
  run("fcos", [&](Env& env, Real& exact, std::string& what) {
    const F80 a = angle(operands_);
    what += " " + text_of(a);
    Real x(a);
    mpfr_cos(exact, x, MPFR_RNDZ);
    F80 got;
    EXPECT_TRUE(sine_cosine(env, unpack(a), nullptr, &got)) << what;
    return got;
  });
}

TEST_F(Transcendental, TangentIsWithinAUnit) {
  run("fptan", [&](Env& env, Real& exact, std::string& what) {
    const F80 a = angle(operands_);
    what += " " + text_of(a);
    Real x(a);
    mpfr_tan(exact, x, MPFR_RNDZ);
    F80 got;
    EXPECT_TRUE(tangent(env, unpack(a), got)) << what;
    return got;
  });
}

TEST_F(Transcendental, ArctangentIsWithinAUnit) {
  run("fpatan", [&](Env& env, Real& exact, std::string& what) {
    const F80 x = operands_.any(-16445, 16383);
    F80 y = operands_.any(-16445, 16383);
    if (operands_.below(3) == 0)
      y = {.significand = y.significand | kTopBit, .sign_exponent = static_cast<u16>(x.sign_exponent | 1)};
    what += " " + text_of(y) + " " + text_of(x);
    Real a(y), b(x);
    mpfr_atan2(exact, a, b, MPFR_RNDZ);
    return arctangent(env, unpack(y), unpack(x));
  });
}

TEST_F(Transcendental, PowerOfTwoMinusOneIsWithinAUnit) {
  run("f2xm1", [&](Env& env, Real& exact, std::string& what) {
    F80 a = operands_.any(-16445, -1);
    if (operands_.below(50) == 0)
      a = {.significand = kTopBit, .sign_exponent = static_cast<u16>(0x3fff | (a.sign_exponent & 0x8000))};
    what += " " + text_of(a);
    Real x(a);
    if ((a.sign_exponent & 0x7fff) > 16383 - 150) {
      Real power(3 * kBits);
      mpfr_exp2(power, x, MPFR_RNDZ);
      mpfr_sub_ui(exact, power, 1, MPFR_RNDZ);
    } else {
      Real ln2(2 * kBits), product(2 * kBits);
      mpfr_const_log2(ln2, MPFR_RNDN);
      mpfr_mul(product, x, ln2, MPFR_RNDN);
      mpfr_expm1(exact, product, MPFR_RNDZ);
    }
    return power_minus_one(env, unpack(a));
  });
}

TEST_F(Transcendental, LogarithmTimesYIsWithinAUnit) {
  run("fyl2x", [&](Env& env, Real& exact, std::string& what) {
    F80 x = operands_.any(-16445, 16383);
    const F80 y = operands_.any(-16445, 16383);
    x.sign_exponent &= 0x7fff;
    if (operands_.below(4) == 0)
      x = {.significand = kTopBit | operands_.bits() >> (1 + operands_.below(63)), .sign_exponent = 0x3fff};
    if (operands_.below(8) == 0)
      x = {.significand = ~(operands_.bits() >> (1 + operands_.below(63))), .sign_exponent = 0x3ffe};
    what += " " + text_of(y) + " " + text_of(x);
    Real a(y), b(x);
    mpfr_log2(exact, b, MPFR_RNDZ);
    mpfr_mul(exact, exact, a, MPFR_RNDZ);
    return times_log2(env, unpack(y), unpack(x));
  });
}

TEST_F(Transcendental, LogarithmOfOnePlusXTimesYIsWithinAUnit) {
  run("fyl2xp1", [&](Env& env, Real& exact, std::string& what) {
    F80 x = operands_.any(-16445, operands_.below(4) == 0 ? 16383 : -2);
    const F80 y = operands_.any(-16445, 16383);
    if ((x.sign_exponent & 0x7fff) >= 0x3fff) x.sign_exponent &= 0x7fff;
    what += " " + text_of(y) + " " + text_of(x);
    Real a(y), b(x), ln2;
    if (mpfr_get_exp(b) > 300) {
      mpfr_log2(exact, b, MPFR_RNDZ);
    } else if (mpfr_get_exp(b) > -300) {  // the sum is exact
      mpfr_add_ui(exact, b, 1, MPFR_RNDZ);
      mpfr_log2(exact, exact, MPFR_RNDZ);
    } else {
      mpfr_log1p(exact, b, MPFR_RNDN);
      mpfr_const_log2(ln2, MPFR_RNDN);
      mpfr_div(exact, exact, ln2, MPFR_RNDN);
    }
    mpfr_mul(exact, exact, a, MPFR_RNDZ);
    return times_log2_plus_one(env, unpack(y), unpack(x));
  });
}

}  // namespace
}  // namespace orrery::cpu::soft
#else
TEST(Transcendental, EveryResultIsWithinAUnit) {
  GTEST_SKIP() << "MPFR (libmpfr-dev) was not there when this was built";
}
#endif
