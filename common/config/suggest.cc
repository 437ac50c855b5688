// SPDX-License-Identifier: Apache-2.0
#include "common/config/suggest.h"

#include <algorithm>
#include <cstddef>
#include <numeric>

namespace cloudmon::config {
namespace {

// Levenshtein's distance: letters to insert, remove or change to make b of a.
std::size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0U);
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t change = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({change, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

}  // namespace

std::string DidYouMean(std::string_view typed, const std::vector<std::string>& known) {
  constexpr std::size_t kLongest = 128;  // what is longer is no typing error
  if (typed.size() > kLongest) return "";
  std::size_t nearest = std::max<std::size_t>(2, typed.size() / 3) + 1;
  const std::string* name = nullptr;
  for (const std::string& candidate : known) {
    const std::size_t distance = EditDistance(typed, candidate);
    if (distance >= nearest) continue;
    nearest = distance;
    name = &candidate;
  }
  return name == nullptr ? "" : "; did you mean '" + *name + "'?";
}

}  // namespace cloudmon::config
