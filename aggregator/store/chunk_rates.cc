// SPDX-License-Identifier: Apache-2.0
#include "aggregator/store/chunk_rates.h"

#include <algorithm>
#include <limits>

#include "aggregator/series/counter.h"

namespace cloudmon::store {
namespace {

constexpr std::int64_t kNoLimit = std::numeric_limits<std::int64_t>::max();
constexpr std::uint64_t kMaxProduct = std::uint64_t{1} << 61U;  // twice as much fits beside a sign

// Fast, and one off at times with large numbers: a gap that is wrong costs bytes and nothing else.
std::int64_t Quotient(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<double>(a) / static_cast<double>(b));
}

}  // namespace

const Relation* RelationOf(series::Field field) {
  const auto found =
      std::find_if(kRelations.begin(), kRelations.end(), [&](const Relation& r) { return r.field == field; });
  return found == kRelations.end() ? nullptr : &*found;
}

std::vector<std::uint64_t> Increases(const RowColumn& total) {
  std::vector<std::uint64_t> out(total.values.size());
  bool known = false;
  std::uint64_t last = 0;
  for (std::size_t row = 0; row < out.size(); ++row) {
    if (!total.Has(row)) continue;
    const auto value = static_cast<std::uint64_t>(total.values[row]);
    if (known) out[row] = series::CounterIncrease(last, value);
    known = true;
    last = value;
  }
  return out;
}

GapFinder::GapFinder(std::size_t rows) : ranges_(rows, Range{.low = 1, .high = kNoLimit}) {}

void GapFinder::Add(std::span<const std::uint64_t> increases, const RowColumn& rate, std::uint64_t scale) {
  for (std::size_t row = 0; row < ranges_.size(); ++row) {
    if (increases[row] == 0 || increases[row] > kMaxProduct / scale || !rate.Has(row)) continue;
    const std::int64_t value = rate.values[row];
    if (value < 0 || value >= kNoLimit / 2) continue;
    // rate - 1/2 <= product / gap < rate + 1/2
    const auto twice = static_cast<std::int64_t>(2 * increases[row] * scale);
    Range& range = ranges_[row];
    range.low = std::max(range.low, Quotient(twice, 2 * value + 1) + 1);
    if (value > 0) range.high = std::min(range.high, Quotient(twice, 2 * value - 1));
    if (value > range.rate) {
      range.rate = value;
      range.twice = twice;
    }
  }
}

// The median of what the rows say that say it exactly; of all others where there is none.
std::int64_t GapFinder::UsualMs() const {
  std::vector<std::int64_t> exact;
  std::vector<std::int64_t> rough;
  std::int64_t at_least = 1;
  for (const Range& range : ranges_) {
    at_least = std::max(at_least, range.low);
    if (range.high == kNoLimit || range.low > range.high) continue;
    const std::int64_t width = range.high - range.low;
    (width < 2 ? exact : rough).push_back(range.low + width / 2);
  }
  std::vector<std::int64_t>& said = exact.empty() ? rough : exact;
  if (said.empty()) return at_least;
  const auto middle = said.begin() + static_cast<std::ptrdiff_t>(said.size() / 2);
  std::nth_element(said.begin(), middle, said.end());
  return *middle;
}

std::vector<std::int64_t> GapFinder::GapsMs() const {
  const std::int64_t usual = UsualMs();
  std::vector<std::int64_t> out(ranges_.size(), usual);
  for (std::size_t row = 0; row < out.size(); ++row) {
    const Range& range = ranges_[row];
    out[row] = range.low <= range.high ? std::clamp(usual, range.low, range.high) : (range.twice / range.rate + 1) / 2;
  }
  return out;
}

}  // namespace cloudmon::store
