// SPDX-License-Identifier: Apache-2.0
#include "aggregator/series/counter.h"

#include <doctest/doctest.h>

#include <cstdint>

using namespace cloudmon::series;

TEST_CASE("CounterIncrease takes a drop for a restart") {
  CHECK(CounterIncrease(100, 150) == 50);
  CHECK(CounterIncrease(100, 100) == 0);
  CHECK(CounterIncrease(100, 30) == 30);
  CHECK(CounterIncrease(0, UINT64_MAX) == UINT64_MAX);
}

TEST_CASE("Advance: first sight, increase, reset") {
  CounterState state;
  Step step = Advance(state, 500, 10'000, std::nullopt);
  CHECK(step.increase == 0);
  CHECK(step.added == 500);
  CHECK(!step.per_ms);
  step = Advance(state, 1500, 20'000, std::nullopt);
  CHECK(step.increase == 1000);
  CHECK(step.added == 1000);
  CHECK(step.per_ms == doctest::Approx(0.1));
  step = Advance(state, 400, 24'000, std::nullopt);
  CHECK(step.increase == 400);
  CHECK(step.per_ms == doctest::Approx(0.1));
}

TEST_CASE("Advance: a rate only over a gap that means something") {
  auto has_rate = [](std::int64_t gap_ms, std::int64_t uncertainty_ms) {
    CounterState state{100, 1'000'000, uncertainty_ms};
    const Step step = Advance(state, 300, 1'000'000 + gap_ms, std::nullopt);
    CHECK(step.increase == 200);  // always counts
    CHECK(std::int64_t{state.uncertainty_ms} == 0);
    return step.per_ms.has_value();
  };
  CHECK(has_rate(1, 0));
  CHECK(has_rate(300'000, 0));
  CHECK(!has_rate(300'001, 0));
  CHECK(!has_rate(0, 0));
  CHECK(!has_rate(-5000, 0));
  CHECK(!has_rate(24'999, 5000));
  CHECK(has_rate(25'000, 5000));
}

TEST_CASE("Advance: a counter that began at a known time") {
  CounterState state;
  Step step = Advance(state, 600, 10'000, 7000);
  CHECK(step.increase == 600);
  CHECK(step.per_ms == doctest::Approx(0.2));
  state = {};
  step = Advance(state, 600, 10'000, 9500);  // start times may be off by a second
  CHECK(step.increase == 600);
  CHECK(!step.per_ms);
  state = {};
  step = Advance(state, 600, 10'000, 12'000);  // the node's clock is ahead
  CHECK(step.increase == 600);
  CHECK(!step.per_ms);
}

TEST_CASE("Advance: a drop below a restored running total is no increase") {
  CounterState state{1000, 5000, 5000};
  const Step step = Advance(state, 300, 100'000, std::nullopt, Drop::kIsUnknown);
  CHECK(step.increase == 0);
  CHECK(step.added == 0);
  CHECK(!step.per_ms);
  CHECK(Advance(state, 350, 110'000, std::nullopt).increase == 50);
}

TEST_CASE("RateValue: millicores and tenths of bytes a second") {
  CHECK(RateValue(Counter::kCpu, 250.4) == 250);  // 2,504,000 us in 10 s
  CHECK(RateValue(Counter::kCpu, 250.5) == 251);
  CHECK(RateValue(Counter::kDiskRead, 0.0124) == 124);  // 12.4 bytes a second
  CHECK(RateValue(Counter::kNetworkTx, 0) == 0);
  CHECK(RateValue(Counter::kNetworkTx, 1e300) > 0);
}

TEST_CASE("Sums stop at the largest value") {
  CHECK(SaturatingAdd(UINT64_MAX, 1) == UINT64_MAX);
  CHECK(SaturatingAdd(2, 3) == 5);
  CHECK(ToValue(UINT64_MAX) == INT64_MAX);
  CHECK(ToValue(7) == 7);
}
