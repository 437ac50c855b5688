// SPDX-License-Identifier: Apache-2.0
// Counters: from the raw totals of two scrapes to an increase and a rate. Pure; one thread at a time for each state.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>

#include "aggregator/series/model.h"
#include "aggregator/series/reading.h"

namespace cloudmon::series {

enum class Counter : std::uint8_t { kCpu, kDiskRead, kDiskWrite, kNetworkRx, kNetworkTx };
inline constexpr std::size_t kCounterCount = 5;
// Containers have no network of their own: theirs are the first three.
inline constexpr std::size_t kContainerCounterCount = 3;

// The fields in which a counter shows. The rate of CPU time is millicores.
struct CounterFields {
  Field total, rate;
};
inline constexpr std::array<CounterFields, kCounterCount> kCounterFields{{
    {Field::kCpuUsageUsec, Field::kCpuMillicores},
    {Field::kDiskReadBytes, Field::kDiskReadRate},
    {Field::kDiskWriteBytes, Field::kDiskWriteRate},
    {Field::kNetworkRxBytes, Field::kNetworkRxRate},
    {Field::kNetworkTxBytes, Field::kNetworkTxRate},
}};

using CounterValues = std::array<std::optional<std::uint64_t>, kCounterCount>;  // by Counter
[[nodiscard]] CounterValues CountersOf(const Usage& usage);

// Over a longer gap an increase still counts, but its average says nothing about the bucket it would show in.
inline constexpr std::int64_t kMaxRateGapMs = 5 * 60 * 1000;
// Start times come in whole seconds on some pages: a rate over less than this since a start is noise.
inline constexpr std::int64_t kMinRateSinceStartMs = 1000;

// A drop is a restart: the counter has counted `current` since.
[[nodiscard]] constexpr std::uint64_t CounterIncrease(std::uint64_t previous, std::uint64_t current) {
  return current >= previous ? current - previous : current;
}

// A page may say anything: sums and conversions stop at the largest value instead of wrapping.
[[nodiscard]] constexpr std::int64_t ToValue(std::uint64_t value) {
  constexpr std::uint64_t kMax = std::numeric_limits<std::int64_t>::max();
  return static_cast<std::int64_t>(value < kMax ? value : kMax);
}
[[nodiscard]] constexpr std::uint64_t SaturatingAdd(std::uint64_t a, std::uint64_t b) {
  return a + b < a ? std::numeric_limits<std::uint64_t>::max() : a + b;
}

// What is remembered of a counter between two scrapes. Kept small: each pod has five.
struct CounterState {
  CounterState() = default;
  // A value, when (Unix time), and how far that may be off.
  CounterState(std::uint64_t value, std::int64_t when_ms, std::int64_t off_by_ms)
      : raw(value), at_ms(when_ms & kMaxAtMs), uncertainty_ms(off_by_ms & kMaxUncertaintyMs), seen(true) {}

  static constexpr std::int64_t kMaxAtMs = (std::int64_t{1} << 42) - 1;           // in the year 2109
  static constexpr std::int64_t kMaxUncertaintyMs = (std::int64_t{1} << 19) - 1;  // above half of the longest interval

  std::uint64_t raw = 0;
  std::int64_t at_ms : 43 = 0;
  std::int64_t uncertainty_ms : 20 = 0;  // not 0 after a restart of ours
  bool seen : 1 = false;                 // false: no value yet
};
static_assert(sizeof(CounterState) == 16);

// What a scrape added to a counter.
struct Step {
  std::uint64_t increase = 0;    // since the last scrape: what rollups count
  std::uint64_t added = 0;       // the same, but at first sight the whole value: what a running total goes up by
  std::optional<double> per_ms;  // increase for each millisecond; nullopt: no rate can be given

  // Sums, for a pod that is the sum of its containers.
  Step& operator+=(const Step& other);
};

enum class Drop : std::uint8_t {
  kIsReset,    // the source's counter restarted from 0
  kIsUnknown,  // what was kept is a running total and the source's own value behind it is lost: counts as no increase
};

// Takes a counter's new raw value into `state`. Where the state has none, the counter is taken to have been 0 at
// `zero_at_ms`; without that too, this is the first sight of it: no increase and no rate. `at_ms` is later than the
// last.
[[nodiscard]] Step Advance(CounterState& state, std::uint64_t raw, std::int64_t at_ms,
                           std::optional<std::int64_t> zero_at_ms, Drop drop = Drop::kIsReset);

// The rate as its field holds it: whole millicores, or tenths of bytes a second.
[[nodiscard]] std::int64_t RateValue(Counter counter, double per_ms);

}  // namespace cloudmon::series
