#include "frontend/near.h"

#include <algorithm>
#include <utility>

namespace orrery::frontend {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

}  // namespace

unsigned edit_distance(std::string_view a, std::string_view b) {
  // Three rows of the table are enough to see a swap of neighbours.
  std::vector<unsigned> before(b.size() + 1), previous(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) previous[j] = static_cast<unsigned>(j);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = static_cast<unsigned>(i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const bool same = lower(a[i - 1]) == lower(b[j - 1]);
      row[j] = std::min({previous[j] + 1, row[j - 1] + 1, previous[j - 1] + (same ? 0 : 1)});
      if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) && lower(a[i - 2]) == lower(b[j - 1])) {
        row[j] = std::min(row[j], before[j - 2] + 1);
      }
    }
    std::swap(before, previous);
    std::swap(previous, row);
  }
  return previous[b.size()];
}

std::vector<std::string_view> near_words(std::string_view word, std::span<const std::string_view> candidates,
                                         std::size_t limit) {
  std::vector<std::pair<unsigned, std::string_view>> ranked;
  for (const std::string_view candidate : candidates) {
    unsigned distance = edit_distance(word, candidate);
    // A word that only was cut short, or has something in front or behind, is near however much is missing.
    const bool part =
        word.size() >= 3 && candidate.size() >= 3 &&
        (candidate.find(word) != std::string_view::npos || word.find(candidate) != std::string_view::npos);
    if (part) distance = std::min(distance, 1u);
    const unsigned allowed =
        std::max<unsigned>(1, static_cast<unsigned>(std::min(word.size(), candidate.size())) / 3 + 1);
    if (distance <= allowed && distance < std::max(word.size(), candidate.size()))
      ranked.emplace_back(distance, candidate);
  }
  std::ranges::stable_sort(ranked, {}, [](const auto& entry) { return entry.first; });
  std::vector<std::string_view> words;
  for (const auto& [distance, candidate] : ranked) {
    if (words.size() == limit) break;
    if (std::ranges::find(words, candidate) == words.end()) words.push_back(candidate);
  }
  return words;
}

std::string listing(std::span<const std::string_view> words) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i != 0) text += i + 1 == words.size() ? " and " : ", ";
    text += words[i];
  }
  return text;
}

std::string suggestion(std::string_view word, std::span<const std::string_view> candidates) {
  const std::vector<std::string_view> near = near_words(word, candidates);
  if (near.empty()) return candidates.empty() ? std::string() : ": there are " + listing(candidates);
  std::string text = ": did you mean ";
  for (std::size_t i = 0; i < near.size(); ++i) {
    if (i != 0) text += i + 1 == near.size() ? " or " : ", ";
    text += '\'';
    text += near[i];
    text += '\'';
  }
  return text + '?';
}

}  // namespace orrery::frontend
