// What must be equal, and how a difference is told.
#pragma once

#include <string>
#include <string_view>

#include "tests/oracle/case.h"

namespace orrery::oracle {

/// Arithmetic flags that the SDM leaves undefined at the point where the outcome stands.
u32 undefined_at(const Case& c, unsigned slot, const Outcome& o);
/// If the case ended by a fault in an instruction with several accesses, of which the SDM does not say which are done
/// before the fault: its semantic.
std::string_view stores_in_part(const Case& c, unsigned slot, const Outcome& o);
/// True if two outcomes without a difference() ended by different faults: memory is not comparable then.
bool is_choice(const Outcome& native, const Outcome& emulated);
/// True if the case left for 64-bit code, which legacy protected mode does not have.
bool left(const Case& c, const Outcome& o);
/// Empty if all defined state is equal.
std::string difference(const Case& c, unsigned slot, const Outcome& native, const Outcome& emulated);
/// The case's instructions, what it starts from, and both outcomes with a star at each difference.
std::string report(const Case& c, unsigned slot, const Outcome& native, const Outcome& emulated);
std::string listing(const Case& c, unsigned slot);

}  // namespace orrery::oracle
