// SPDX-License-Identifier: Apache-2.0
#include "aggregator/api/step.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <limits>

#include "tests/unit/aggregator/api/sample.h"

using namespace cloudmon;
using series::Field;

namespace {

const series::MemberPtr kA = test::MakeMember(test::Pod("n", "ns", "", "a"));
const series::MemberPtr kB = test::MakeMember(test::Pod("n", "ns", "", "b"));

series::Point Gauge(std::int64_t value) {
  return test::MakePoint({{Field::kMemoryBytes, value}});
}

}  // namespace

TEST_CASE("StepCombiner averages gauges and rates and keeps the last total") {
  api::StepCombiner combiner(30);
  combiner.Add(
      {{kA,
        {20, 30, 50, 60},
        {test::MakePoint({{Field::kCpuMillicores, 1}, {Field::kCpuUsageUsec, 100}, {Field::kDiskReadRate, 7}}),
         test::MakePoint({{Field::kCpuMillicores, 2}, {Field::kCpuUsageUsec, 120}, {Field::kDiskReadRate, 10}}),
         test::MakePoint({{Field::kCpuMillicores, 5}, {Field::kCpuUsageUsec, 150}}),
         test::MakePoint({{Field::kPods, 3}})}}});
  CHECK(combiner.points() == 3);
  const auto slices = combiner.Finish();
  REQUIRE(slices.size() == 1);
  CHECK(slices[0].times_seconds == std::vector<std::int64_t>{0, 30, 60});
  CHECK(slices[0].points[0].Get(Field::kCpuUsageUsec) == 100);
  CHECK(slices[0].points[1].Get(Field::kCpuMillicores) == 4);  // 3.5 rounds up
  CHECK(slices[0].points[1].Get(Field::kCpuUsageUsec) == 150);
  CHECK(slices[0].points[1].Get(Field::kDiskReadRate) == 10);  // over the buckets that have it
  CHECK(slices[0].points[2] == test::MakePoint({{Field::kPods, 3}}));
}

TEST_CASE("StepCombiner goes on where a part ended, and takes new members") {
  api::StepCombiner combiner(30);
  combiner.Add({{kB, {0, 10}, {Gauge(1), Gauge(2)}}});
  combiner.Add({{kA, {20}, {Gauge(50)}}, {kB, {20, 30}, {Gauge(6), Gauge(8)}}});
  const auto slices = combiner.Finish();
  REQUIRE(slices.size() == 2);
  CHECK(slices[0].member->pod == "a");
  CHECK(slices[0].points == std::vector<series::Point>{Gauge(50)});
  CHECK(slices[1].points == std::vector<series::Point>{Gauge(3), Gauge(8)});
}

TEST_CASE("StepCombiner does not overflow") {
  constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
  api::StepCombiner combiner(30);
  combiner.Add({{kA, {0, 10, 20}, {Gauge(kMax), Gauge(kMax), Gauge(kMax)}}});
  CHECK(combiner.Finish()[0].points[0] == Gauge(kMax));
  api::StepCombiner negative(30);
  negative.Add({{kA, {0, 10}, {Gauge(-3), Gauge(-4)}}});
  CHECK(negative.Finish()[0].points[0] == Gauge(-4));
}
