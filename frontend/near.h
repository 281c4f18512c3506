// "Did you mean ...": the nearest of a list of words.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace orrery::frontend {

/// How many letters must be added, dropped, changed or swapped with their neighbour to make `b` of `a`; upper and lower
/// case are the same.
unsigned edit_distance(std::string_view a, std::string_view b);

/// The candidates that `word` may have meant, nearest first, at most `limit`. Empty if none is near.
std::vector<std::string_view> near_words(std::string_view word, std::span<const std::string_view> candidates,
                                         std::size_t limit = 3);

/// For the end of a message: ": did you mean 'x' or 'y'?", or, if nothing is near, ": there are a, b and c".
std::string suggestion(std::string_view word, std::span<const std::string_view> candidates);

/// "a, b and c".
std::string listing(std::span<const std::string_view> words);

}  // namespace orrery::frontend
