// SPDX-License-Identifier: Apache-2.0
// What is known of a column from another one: a rate from its total and the time between two readings, a pod's working
// set from its memory (docs/store_format.md). Pure; safe from any thread.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "aggregator/series/model.h"

namespace cloudmon::store {

// `field` is expected to be `source`, or where `rate_scale` is not 0, its increase in a millisecond times rate_scale.
struct Relation {
  series::Field field, source;
  std::uint64_t rate_scale;
};
inline constexpr std::array<Relation, 6> kRelations{{
    {series::Field::kCpuMillicores, series::Field::kCpuUsageUsec, 1},
    {series::Field::kMemoryWorkingSetBytes, series::Field::kMemoryBytes, 0},
    {series::Field::kDiskReadRate, series::Field::kDiskReadBytes, 10'000},
    {series::Field::kDiskWriteRate, series::Field::kDiskWriteBytes, 10'000},
    {series::Field::kNetworkRxRate, series::Field::kNetworkRxBytes, 10'000},
    {series::Field::kNetworkTxRate, series::Field::kNetworkTxBytes, 10'000},
}};
// Null: nothing is known of the field from another.
[[nodiscard]] const Relation* RelationOf(series::Field field);

// A column by row: a value for each row; `present` is empty where all rows have one, and values are 0 where not.
struct RowColumn {
  std::span<const std::int64_t> values;
  std::span<const std::uint8_t> present;
  [[nodiscard]] bool Has(std::size_t row) const { return present.empty() || present[row] != 0; }
};

// By row: what was added to a total since the last row that has it; 0 where that is not known.
[[nodiscard]] std::vector<std::uint64_t> Increases(const RowColumn& total);

// The whole number next to increase * scale / gap_ms, modulo 2^64; 0 without a gap.
[[nodiscard]] constexpr std::uint64_t ExpectedRate(std::uint64_t increase, std::uint64_t scale, std::uint64_t gap_ms) {
  if (gap_ms == 0 || increase == 0) return 0;
  const std::uint64_t dividend = increase * scale + gap_ms / 2;
  // Exact below 2^53, and faster than a division of integers.
  constexpr std::uint64_t kExact = std::uint64_t{1} << 53U;
  if (dividend >= kExact || gap_ms >= kExact) return dividend / gap_ms;
  return static_cast<std::uint64_t>(static_cast<double>(dividend) / static_cast<double>(gap_ms));
}

// Finds the time between readings with which increases explain rates: one for all counters of a row, and the usual one
// wherever that will do.
class GapFinder {
 public:
  explicit GapFinder(std::size_t rows);
  void Add(std::span<const std::uint64_t> increases, const RowColumn& rate, std::uint64_t scale);
  [[nodiscard]] std::vector<std::int64_t> GapsMs() const;  // by row

 private:
  struct Range {
    std::int64_t low, high;  // inclusive; low > high: the counters contradict each other, as sums of pods do
    std::int64_t rate = 0;   // the largest
    std::int64_t twice = 0;  // the increase of the largest rate, scaled, two times
  };
  [[nodiscard]] std::int64_t UsualMs() const;
  std::vector<Range> ranges_;
};

}  // namespace cloudmon::store
