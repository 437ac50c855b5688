// SPDX-License-Identifier: Apache-2.0
#include "aggregator/series/counter.h"

#include <algorithm>
#include <cmath>

namespace cloudmon::series {
namespace {

std::optional<double> PerMs(std::uint64_t increase, std::int64_t gap_ms, std::int64_t at_least_ms) {
  if (gap_ms < at_least_ms || gap_ms > kMaxRateGapMs) return std::nullopt;
  return static_cast<double>(increase) / static_cast<double>(gap_ms);
}

}  // namespace

CounterValues CountersOf(const Usage& usage) {
  return {usage.cpu_usage_usec, usage.disk_read_bytes, usage.disk_write_bytes, usage.network_rx_bytes,
          usage.network_tx_bytes};
}

Step& Step::operator+=(const Step& other) {
  increase = SaturatingAdd(increase, other.increase);
  added = SaturatingAdd(added, other.added);
  if (other.per_ms) per_ms = per_ms.value_or(0) + *other.per_ms;
  return *this;
}

Step Advance(CounterState& state, std::uint64_t raw, std::int64_t at_ms, std::optional<std::int64_t> zero_at_ms,
             Drop drop) {
  Step step;
  if (state.seen) {
    const bool lost = raw < state.raw && drop == Drop::kIsUnknown;
    step.increase = lost ? 0 : CounterIncrease(state.raw, raw);
    step.added = step.increase;
    // A gap that is known to 20 % gives a rate that is right to 20 %; a worse one is not shown.
    const std::int64_t at_least_ms = std::max<std::int64_t>(1, 5 * std::int64_t{state.uncertainty_ms});
    if (!lost) step.per_ms = PerMs(step.increase, at_ms - state.at_ms, at_least_ms);
  } else if (zero_at_ms) {
    step = Step{raw, raw, PerMs(raw, at_ms - *zero_at_ms, kMinRateSinceStartMs)};
  } else {
    step.added = raw;
  }
  state = CounterState{raw, at_ms, 0};
  return step;
}

std::int64_t RateValue(Counter counter, double per_ms) {
  constexpr double kMax = 9e18;
  // Microseconds of CPU for each millisecond are millicores as they are.
  const double scaled = counter == Counter::kCpu ? per_ms : per_ms * 1000 * static_cast<double>(kRateScale);
  return std::llround(std::min(scaled, kMax));
}

}  // namespace cloudmon::series
