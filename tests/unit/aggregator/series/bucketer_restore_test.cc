// SPDX-License-Identifier: Apache-2.0
// A restart of the aggregator: a new bucketer goes on from the last entries.
#include <doctest/doctest.h>

#include <utility>
#include <vector>

#include "aggregator/series/bucketer.h"
#include "tests/unit/aggregator/series/readings.h"

using namespace cloudmon::series;
using namespace cloudmon::series::test;

namespace {

constexpr Field kCpu = Field::kCpuUsageUsec;

std::vector<std::pair<std::int64_t, Entry>> EntriesOf(const Bucket& bucket) {
  std::vector<std::pair<std::int64_t, Entry>> entries;
  for (const Entry& entry : bucket.entries) entries.emplace_back(bucket.time_seconds, entry);
  return entries;
}

// The last entries of a bucketer that saw pod web-1 at 1,000 and at 5,000 us, and a node at 70 and 90.
Bucket Stored() {
  Bucketer bucketer(10);
  const auto key = Key("shop", "web-1", "web", "u1");
  bucketer.Add("a", 1000, 1'001'000, Page({PodOf(key, CpuUsage(1000))}, 70));
  bucketer.Seal(1000, 0);
  bucketer.Add("a", 1010, 1'011'000, Page({PodOf(key, CpuUsage(5000))}, 90));
  return bucketer.Seal(1010, 0);
}

Bucket After(std::int64_t time, const TargetReading& page) {
  Bucketer bucketer(10);
  bucketer.Restore(EntriesOf(Stored()));
  bucketer.Add("a", time, time * 1000 + 1000, page);
  return bucketer.Seal(time, 0);
}

}  // namespace

TEST_CASE("Totals go on and the increase over the restart counts") {
  const auto page = [](std::uint64_t cpu) {
    return Page({PodOf(Key("shop", "web-1", "web", "u1"), CpuUsage(cpu))}, 95);
  };
  Bucket bucket = After(1030, page(25'000));
  CHECK(Value(bucket, Kind::kPod, "web-1", kCpu) == 25'000);
  CHECK(Value(bucket, Kind::kNamespace, "shop", kCpu) == 24'000);
  CHECK(Value(bucket, Kind::kDeployment, "web", kCpu) == 24'000);
  CHECK(Value(bucket, Kind::kCluster, "", kCpu) == 24'000);
  CHECK(Value(bucket, Kind::kNode, "a", kCpu) == 95);
  CHECK(!Value(bucket, Kind::kPod, "web-1", Field::kCpuMillicores));  // 16 s, give or take 5
  bucket = After(1064, page(500'000 + 5000));                         // 50 s, give or take 5
  CHECK(Value(bucket, Kind::kPod, "web-1", Field::kCpuMillicores) == 10);
  CHECK(Value(After(1030, page(300)), Kind::kNamespace, "shop", kCpu) == 4300);  // reset meanwhile
}

TEST_CASE("Members stay the same objects") {
  const Bucket stored = Stored();
  Bucketer bucketer(10);
  bucketer.Restore(EntriesOf(stored));
  bucketer.Add("a", 1020, 1'021'000, Page({PodOf(Key("shop", "web-1", "", "u1"), CpuUsage(9000))}));
  const Bucket bucket = bucketer.Seal(1020, 0);
  for (const auto& [kind, name] : {std::pair{Kind::kPod, "web-1"},
                                   {Kind::kNode, "a"},
                                   {Kind::kNamespace, "shop"},
                                   {Kind::kDeployment, "web"},
                                   {Kind::kCluster, ""}}) {
    CHECK(Find(bucket, kind, name)->member == Find(stored, kind, name)->member);
  }
}

TEST_CASE("Entries may come in any order, and of several the newest counts") {
  auto entries = EntriesOf(Stored());
  std::vector<std::pair<std::int64_t, Entry>> many(entries.rbegin(), entries.rend());
  for (auto [time, entry] : entries) {
    entry.point.Set(kCpu, 1);
    many.emplace_back(time - 10, entry);
  }
  Bucketer bucketer(10);
  bucketer.Restore(many);
  bucketer.Add("a", 1020, 1'021'000, Page({PodOf(Key("shop", "web-1", "web"), CpuUsage(5500))}, 91));
  const Bucket bucket = bucketer.Seal(1020, 0);
  CHECK(Value(bucket, Kind::kNamespace, "shop", kCpu) == 4500);
  CHECK(Value(bucket, Kind::kNode, "a", kCpu) == 91);
}

TEST_CASE("A pod that began while the aggregator was down counts from its start") {
  const Bucket bucket = After(1040, Page({PodOf(Key("shop", "web-2", "web"), CpuUsage(110'000), 1030.0)}));
  CHECK(Value(bucket, Kind::kNamespace, "shop", kCpu) == 4000 + 110'000);
  CHECK(Value(bucket, Kind::kPod, "web-2", Field::kCpuMillicores) == 10);
  // Within the uncertainty of the last scrape it may have been there before.
  const Bucket unsure = After(1040, Page({PodOf(Key("shop", "web-2", "web"), CpuUsage(110'000), 1018.0)}));
  CHECK(Value(unsure, Kind::kNamespace, "shop", kCpu) == 4000);
}

TEST_CASE("Running totals whose raw values are lost go on without falling and without inventing an increase") {
  // A node that rebooted earlier: its total is larger than its counter.
  Bucket bucket = After(1020, Page({}, 20));
  CHECK(Value(bucket, Kind::kNode, "a", kCpu) == 90);
  // A pod of containers, one of which restarted earlier.
  PodReading pod = PodOf(Key("shop", "web-1", "web", "u1"), {});
  pod.containers = {{"app", CpuUsage(600)}, {"proxy", CpuUsage(300)}};
  Bucketer bucketer(10);
  bucketer.Restore(EntriesOf(Stored()));
  bucketer.Add("a", 1020, 1'021'000, Page({pod}, 20));
  bucket = bucketer.Seal(1020, 0);
  CHECK(Value(bucket, Kind::kPod, "web-1", kCpu) == 5000);
  CHECK(Value(bucket, Kind::kNamespace, "shop", kCpu) == 4000);
  pod.containers[0].usage.cpu_usage_usec = 700;
  bucketer.Add("a", 1030, 1'031'000, Page({pod}, 25));
  bucket = bucketer.Seal(1030, 0);
  CHECK(Value(bucket, Kind::kPod, "web-1", kCpu) == 5100);
  CHECK(Value(bucket, Kind::kNamespace, "shop", kCpu) == 4100);
  CHECK(Value(bucket, Kind::kNode, "a", kCpu) == 95);
}

TEST_CASE("Pods restored without their groups, and groups long gone") {
  const Bucket stored = Stored();
  Bucketer bucketer(10);
  bucketer.Restore({{1010, *Find(stored, Kind::kPod, "web-1")}});
  bucketer.Seal(1020, 1);
  bucketer.Add("a", 1030, 1'031'000, Page({PodOf(Key("shop", "web-1", "web"), CpuUsage(6000))}));
  CHECK(Value(bucketer.Seal(1030, 0), Kind::kNamespace, "shop", kCpu) == 1000);

  Bucketer late(10);
  late.Restore(EntriesOf(stored));
  const std::int64_t month_later = 1010 + 30 * 24 * 3600;
  late.Seal(month_later, 1);
  late.Add("a", month_later + 10, (month_later + 11) * 1000,
           Page({PodOf(Key("shop", "web-1", "web"), CpuUsage(6000))}));
  CHECK(Value(late.Seal(month_later + 10, 0), Kind::kNamespace, "shop", kCpu) == 0);
}

TEST_CASE("Totals that the last entry does not have go on from the entry before that has them") {
  const auto stored = EntriesOf(Stored());
  auto last = stored;
  for (auto& [time, entry] : last) {
    time += 10;
    entry.point.Clear(kCpu);
  }
  for (const bool newest_first : {false, true}) {
    std::vector<std::pair<std::int64_t, Entry>> entries = newest_first ? last : stored;
    const auto& others = newest_first ? stored : last;
    entries.insert(entries.end(), others.begin(), others.end());
    Bucketer bucketer(10);
    bucketer.Restore(entries);
    bucketer.Add("a", 1050, 1'051'000, Page({PodOf(Key("shop", "web-1", "web", "u1"), CpuUsage(7000))}, 3));
    const Bucket bucket = bucketer.Seal(1050, 0);
    CHECK(Value(bucket, Kind::kNode, "a", kCpu) == 90);
    CHECK(*Value(bucket, Kind::kNamespace, "shop", kCpu) >= 4000);
    CHECK(*Value(bucket, Kind::kCluster, "", kCpu) >= 4000);
  }
}
