// SPDX-License-Identifier: Apache-2.0
#include "aggregator/store/bucket_changes.h"

#include <doctest/doctest.h>

#include <map>

#include "tests/unit/aggregator/store/buckets.h"

using namespace cloudmon;
using namespace cloudmon::store;
using namespace cloudmon::store::test;

TEST_CASE("Changes of buckets: what is another, new or gone, by series") {
  const auto pod = [](const char* name) { return Of({Kind::kPod, "n", "ns", "", name}); };
  const auto with = [](std::int64_t value) {
    Point point;
    point.Set(Field::kPods, value);
    return point;
  };
  const auto stays = pod("stays");
  const auto other = pod("other");
  const std::vector<series::Bucket> before{
      {10, {{stays, with(1)}, {other, with(1)}, {pod("goes"), with(1)}}},
      {20, {{stays, with(2)}, {other, with(2)}}},
      {30, {}},
  };
  const std::vector<series::Bucket> after{
      {10, {{pod("other"), with(7)}, {stays, with(1)}}},  // another object of the same member
      {20, {{stays, with(2)}, {pod("other"), with(2)}, {pod("new"), with(3)}}},
      {30, {{other, Point{}}}},
  };
  std::map<std::string, SeriesChange> changes;
  for (SeriesChange& change : ChangesOf(before, after)) changes[change.member->pod] = std::move(change);
  CHECK(changes["stays"].times_seconds.empty());
  CHECK(changes["stays"].gone_seconds.empty());
  CHECK(changes["other"].times_seconds == std::vector<std::int64_t>{10, 30});
  CHECK((changes["other"].points == std::vector<Point>{with(7), Point{}}));
  CHECK(changes["other"].gone_seconds.empty());
  CHECK(changes["goes"].times_seconds.empty());
  CHECK(changes["goes"].gone_seconds == std::vector<std::int64_t>{10});
  CHECK(changes["new"].times_seconds == std::vector<std::int64_t>{20});
  CHECK(ChangesOf({}, {}).empty());
}

TEST_CASE("Changes of buckets: applied to what was before they give what is after") {
  for (int seed = 0; seed < 20; ++seed) {
    std::mt19937_64 random(static_cast<std::uint64_t>(seed));
    std::vector<series::Bucket> before;
    std::vector<series::Bucket> after;
    for (std::int64_t t = kFirst; t < kFirst + 50; t += 10) {
      before.push_back(Cluster(static_cast<int>(random() % 20)).At(t));
      after.push_back(random() % 3 == 0 ? before.back() : Cluster(static_cast<int>(random() % 20)).At(t + 1000));
      after.back().time_seconds = t;
    }
    Table table;
    Table expected;
    for (const auto& bucket : before) AddTo(table, bucket);
    for (const auto& bucket : after) AddTo(expected, bucket);
    for (const SeriesChange& change : ChangesOf(before, after)) {
      for (const std::int64_t t : change.gone_seconds) CHECK(table.erase({*change.member, t}) == 1);
      for (std::size_t i = 0; i < change.points.size(); ++i) {
        table[{*change.member, change.times_seconds[i]}] = change.points[i];
      }
    }
    CHECK((table == expected));
  }
}
