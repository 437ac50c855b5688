// SPDX-License-Identifier: Apache-2.0
#include "aggregator/series/bucketer.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "tests/unit/aggregator/series/readings.h"

using namespace cloudmon::series;
using namespace cloudmon::series::test;

namespace {

constexpr Field kCpu = Field::kCpuUsageUsec;
constexpr Field kMillicores = Field::kCpuMillicores;

// One node, one bucket: adds and seals.
Bucket Round(Bucketer& bucketer, std::int64_t bucket, const TargetReading& page, std::int64_t offset_ms = 3000) {
  bucketer.Add("a", bucket, bucket * 1000 + offset_ms, page);
  return bucketer.Seal(bucket, 0);
}

}  // namespace

TEST_CASE("A pod's entry: raw total, then increase and rate over the real time between scrapes") {
  Bucketer bucketer(10);
  const auto key = Key("shop", "web-1", "web", "u1");
  Usage usage = CpuUsage(5'000'000, 4096);
  usage.memory_working_set_bytes = 2048;
  usage.disk_write_bytes = 100;
  usage.network_rx_bytes = 70;
  Bucket bucket = Round(bucketer, 1000, Page({PodOf(key, usage)}));
  CHECK(bucket.time_seconds == 1000);
  CHECK(Value(bucket, Kind::kPod, "web-1", kCpu) == 5'000'000);
  CHECK(!Value(bucket, Kind::kPod, "web-1", kMillicores));
  CHECK(!Value(bucket, Kind::kPod, "web-1", Field::kDiskReadBytes));
  CHECK(Value(bucket, Kind::kDeployment, "web", kCpu) == 0);
  CHECK(Value(bucket, Kind::kNamespace, "shop", kCpu) == 0);
  CHECK(!Value(bucket, Kind::kNamespace, "shop", kMillicores));

  usage.cpu_usage_usec = 9'000'000;
  usage.disk_write_bytes = 1100;
  usage.network_rx_bytes = 168;
  bucket = Round(bucketer, 1010, Page({PodOf(key, usage)}), 1000);  // 8 s after the first
  CHECK(Value(bucket, Kind::kPod, "web-1", kMillicores) == 500);
  CHECK(Value(bucket, Kind::kPod, "web-1", Field::kDiskWriteRate) == 1250);  // 125.0
  CHECK(Value(bucket, Kind::kPod, "web-1", Field::kNetworkRxRate) == 123);   // 12.25 -> 12.3
  CHECK(Value(bucket, Kind::kPod, "web-1", Field::kMemoryWorkingSetBytes) == 2048);
  for (const auto& [kind, name] :
       {std::pair{Kind::kDeployment, "web"}, {Kind::kNamespace, "shop"}, {Kind::kCluster, ""}}) {
    CHECK(Value(bucket, kind, name, kCpu) == 4'000'000);
    CHECK(Value(bucket, kind, name, kMillicores) == 500);
    CHECK(Value(bucket, kind, name, Field::kDiskWriteBytes) == 1000);
    CHECK(!Value(bucket, kind, name, Field::kDiskReadBytes));
    CHECK(Value(bucket, kind, name, Field::kMemoryBytes) == 4096);
    CHECK(Value(bucket, kind, name, Field::kPods) == 1);
  }
}

TEST_CASE("Rollups sum the members of the bucket; a pod without a deployment is in none") {
  Bucketer bucketer(10);
  const auto web1 = Key("shop", "web-1", "web");
  const auto web2 = Key("shop", "web-2", "web");
  const auto job = Key("shop", "job");
  const auto other = Key("tools", "web-1", "web");
  for (std::uint64_t i = 0; i < 2; ++i) {
    bucketer.Add("a", 1000 + 10 * static_cast<std::int64_t>(i), 1'000'500 + 10'000 * static_cast<std::int64_t>(i),
                 Page({PodOf(web1, CpuUsage(1000 * i, 10)), PodOf(job, CpuUsage(50'000 * i, 20))}, 7000 * i));
    bucketer.Add("b", 1000 + 10 * static_cast<std::int64_t>(i), 1'000'700 + 10'000 * static_cast<std::int64_t>(i),
                 Page({PodOf(web2, CpuUsage(20'000 * i, 40)), PodOf(other, CpuUsage(0, 80))}));
    if (i == 0) bucketer.Seal(1000, 0);
  }
  const Bucket bucket = bucketer.Seal(1010, 3);
  CHECK(Value(bucket, Kind::kNamespace, "shop", Field::kPods) == 3);
  CHECK(Value(bucket, Kind::kNamespace, "shop", Field::kMemoryBytes) == 70);
  CHECK(Value(bucket, Kind::kNamespace, "shop", kCpu) == 71'000);
  CHECK(Value(bucket, Kind::kNamespace, "tools", kCpu) == 0);
  CHECK(Value(bucket, Kind::kCluster, "", kCpu) == 71'000);
  CHECK(Value(bucket, Kind::kCluster, "", Field::kPods) == 4);
  CHECK(Value(bucket, Kind::kCluster, "", Field::kNodes) == 2);
  CHECK(Value(bucket, Kind::kCluster, "", Field::kNodesMissing) == 3);
  CHECK(Value(bucket, Kind::kNode, "a", Field::kPods) == 2);
  CHECK(Value(bucket, Kind::kNode, "a", kCpu) == 7000);
  CHECK(!Value(bucket, Kind::kNode, "a", Field::kCpuCapacityMillicores));
  std::size_t deployments = 0;
  for (const Entry& entry : bucket.entries) deployments += entry.member->kind == Kind::kDeployment ? 1 : 0;
  CHECK(deployments == 2);  // of the same name in two namespaces
  CHECK(bucket.entries.size() == 2 + 4 + 2 + 2 + 1);
}

TEST_CASE("Members are the same object while they live, with or without the same key object") {
  Bucketer bucketer(10);
  const Bucket first = Round(bucketer, 1000, Page({PodOf(Key("shop", "web-1", "web", "u"), CpuUsage(1))}));
  const Bucket second = Round(bucketer, 1010, Page({PodOf(Key("shop", "web-1", "web", "u"), CpuUsage(2))}));
  REQUIRE(first.entries.size() == second.entries.size());
  for (std::size_t i = 0; i < first.entries.size(); ++i) CHECK(first.entries[i].member == second.entries[i].member);
  // The source of deployments fails for a while: the pod stays what it was. A new pod of the name is another matter.
  const Bucket third = Round(bucketer, 1020, Page({PodOf(Key("shop", "web-1", "", "u"), CpuUsage(3))}));
  CHECK(Find(third, Kind::kPod, "web-1")->member == Find(first, Kind::kPod, "web-1")->member);
  const Bucket fourth = Round(bucketer, 1030, Page({PodOf(Key("shop", "web-1", "", "other"), CpuUsage(3))}));
  CHECK(Find(fourth, Kind::kPod, "web-1")->member->deployment.empty());
}

TEST_CASE("Young pods: what began after the target's last scrape counts from its start") {
  Bucketer bucketer(10);
  auto millicores = [&](const Bucket& bucket) { return Value(bucket, Kind::kPod, "new", kMillicores); };
  Round(bucketer, 1000, Page({}));
  // Scraped at 1003 and 1013; started at 1009: 2,000,000 us in 4 s.
  Bucket bucket = Round(bucketer, 1010, Page({PodOf(Key("shop", "new"), CpuUsage(2'000'000), 1009.0)}));
  CHECK(millicores(bucket) == 500);
  CHECK(Value(bucket, Kind::kNamespace, "shop", kCpu) == 2'000'000);

  Bucketer late(10);
  Round(late, 1000, Page({}));
  bucket = Round(late, 1010, Page({PodOf(Key("shop", "new"), CpuUsage(2'000'000), 1002.0)}));  // was there before
  CHECK(!millicores(bucket));
  CHECK(Value(bucket, Kind::kNamespace, "shop", kCpu) == 0);

  for (const double start : {std::numeric_limits<double>::quiet_NaN(), -1.0, 1e300}) {
    Bucketer nonsense(10);
    Round(nonsense, 1000, Page({}));
    CHECK(!millicores(Round(nonsense, 1010, Page({PodOf(Key("shop", "new"), CpuUsage(2'000'000), start)}))));
  }
}

TEST_CASE("Resets, and pods created anew under the same name") {
  Bucketer bucketer(10);
  auto ns_total = [&](std::int64_t time, const std::string& uid, std::uint64_t cpu, std::optional<double> start) {
    const Bucket bucket = Round(bucketer, time, Page({PodOf(Key("db", "pg-0", "", uid), CpuUsage(cpu), start)}));
    CHECK(Value(bucket, Kind::kPod, "pg-0", kCpu) == static_cast<std::int64_t>(cpu));  // the cgroup's
    return std::pair{*Value(bucket, Kind::kNamespace, "db", kCpu), Value(bucket, Kind::kPod, "pg-0", kMillicores)};
  };
  CHECK(ns_total(1000, "u1", 1'000'000, 10.0).first == 0);
  CHECK(ns_total(1010, "u1", 3'000'000, 10.0) == std::pair{std::int64_t{2'000'000}, std::optional<std::int64_t>(200)});
  CHECK(ns_total(1020, "u1", 500'000, 10.0) == std::pair{std::int64_t{2'500'000}, std::optional<std::int64_t>(50)});
  // Another pod, whose total is already higher: all of it counts, over the time since it started.
  CHECK(ns_total(1030, "u2", 800'000, 1029.0) == std::pair{std::int64_t{3'300'000}, std::optional<std::int64_t>(200)});
  CHECK(ns_total(1040, "u3", 1'000'000, {}) == std::pair{std::int64_t{4'300'000}, std::optional<std::int64_t>(100)});
  // The restarted container of a known pod has a new start, but its pod's cgroup counts on.
  CHECK(ns_total(1050, "u3", 2'000'000, 1049.0) ==
        std::pair{std::int64_t{5'300'000}, std::optional<std::int64_t>(100)});
}

TEST_CASE("A page of many pods of which most show their successors too") {
  constexpr int kPods = 3000;
  const auto name = [](int pod) { return "pod-" + std::to_string(pod); };
  Bucketer bucketer(10);
  std::vector<PodReading> old, both;
  for (int pod = 0; pod < kPods; ++pod) {
    old.push_back(PodOf(Key("shop", name(pod), "", "old-" + name(pod)), CpuUsage(0, 1)));
    both.push_back(PodOf(Key("shop", name(pod), "", "new-" + name(pod)), CpuUsage(0, 2)));
  }
  for (int pod = 0; pod < kPods; ++pod) {
    if (pod % 3 != 0) both.push_back(old[static_cast<std::size_t>(pod)]);
  }
  bucketer.Add("n", 0, 5'000, Page(old));
  (void)bucketer.Seal(0, 0);
  bucketer.Add("n", 10, 15'000, Page(both));
  const Bucket bucket = bucketer.Seal(10, 0);
  CHECK(Value(bucket, Kind::kNode, "n", Field::kPods) == kPods);
  CHECK(Value(bucket, Kind::kNamespace, "shop", Field::kMemoryBytes) == kPods / 3 * (1 + 1 + 2));
}

TEST_CASE("A page with the old and the new pod of one name follows the old one until it goes") {
  Bucketer bucketer(10);
  const auto old_key = Key("db", "pg-0", "", "u1");
  const auto new_key = Key("db", "pg-0", "", "u2");
  Round(bucketer, 1000, Page({PodOf(old_key, CpuUsage(1000))}));
  Bucket bucket = Round(bucketer, 1010, Page({PodOf(new_key, CpuUsage(5)), PodOf(old_key, CpuUsage(1100))}));
  CHECK(Value(bucket, Kind::kNamespace, "db", kCpu) == 100);
  CHECK(Value(bucket, Kind::kNamespace, "db", Field::kPods) == 1);
  CHECK(Value(bucket, Kind::kNode, "a", Field::kPods) == 1);
  bucket = Round(bucketer, 1020, Page({PodOf(new_key, CpuUsage(50))}));
  CHECK(Value(bucket, Kind::kNamespace, "db", kCpu) == 150);
}

TEST_CASE("Missed scrapes: the increase counts whole, the rate is over the real gap or not shown") {
  const auto key = Key("shop", "web-1");
  auto after = [&](std::int64_t gap_seconds) {
    Bucketer bucketer(10);
    Round(bucketer, 1000, Page({PodOf(key, CpuUsage(0))}));
    for (std::int64_t t = 1010; t < 1000 + gap_seconds; t += 10) bucketer.Seal(t, 1);
    const Bucket bucket = Round(bucketer, 1000 + gap_seconds, Page({PodOf(key, CpuUsage(60'000'000))}));
    return std::pair{Value(bucket, Kind::kNamespace, "shop", kCpu), Value(bucket, Kind::kPod, "web-1", kMillicores)};
  };
  CHECK(after(60) == std::pair{std::optional<std::int64_t>(60'000'000), std::optional<std::int64_t>(1000)});
  CHECK(after(300) == std::pair{std::optional<std::int64_t>(60'000'000), std::optional<std::int64_t>(200)});
  CHECK(after(310) == std::pair{std::optional<std::int64_t>(60'000'000), std::optional<std::int64_t>()});
  CHECK(after(3600).first == 60'000'000);
  CHECK(after(3610).first == 0);  // forgotten: a first sight
}

TEST_CASE("Groups keep their totals while they have no pod, and only so long") {
  const auto key = Key("shop", "web-1", "web");
  auto after = [&](std::int64_t gap_seconds) {
    Bucketer bucketer(10);
    Round(bucketer, 1000, Page({PodOf(key, CpuUsage(0))}));
    Round(bucketer, 1010, Page({PodOf(key, CpuUsage(500))}));
    const Bucket empty = Round(bucketer, 1020, Page({}));
    CHECK(Find(empty, Kind::kNamespace, "shop") == nullptr);
    CHECK(Value(empty, Kind::kCluster, "", Field::kPods) == 0);
    CHECK(!Value(empty, Kind::kCluster, "", kCpu));
    for (std::int64_t t = 1030; t <= 1010 + gap_seconds; t += 3600) bucketer.Seal(t, 1);
    return Value(Round(bucketer, 1020 + gap_seconds, Page({PodOf(key, CpuUsage(600))})), Kind::kNamespace, "shop",
                 kCpu);
  };
  CHECK(after(1000) == 600);
  CHECK(after(6 * 24 * 3600) == 500);
  CHECK(after(9 * 24 * 3600) == 0);
}

TEST_CASE("A node's totals do not fall when it reboots") {
  Bucketer bucketer(10);
  TargetReading page = Page({}, 1'000'000);
  page.node_reading.cpu_capacity_millicores = 4000;
  page.node_reading.memory_capacity_bytes = 1 << 30;
  Bucket bucket = Round(bucketer, 1000, page);
  CHECK(Value(bucket, Kind::kNode, "a", kCpu) == 1'000'000);
  CHECK(Value(bucket, Kind::kNode, "a", Field::kCpuCapacityMillicores) == 4000);
  CHECK(Value(bucket, Kind::kNode, "a", Field::kMemoryCapacityBytes) == 1 << 30);
  bucket = Round(bucketer, 1010, Page({}, 20'000));
  CHECK(Value(bucket, Kind::kNode, "a", kCpu) == 1'020'000);
  CHECK(Value(bucket, Kind::kNode, "a", kMillicores) == 2);
}

TEST_CASE("Buckets side by side, second readings, readings that come too late") {
  Bucketer bucketer(10);
  const auto key = Key("shop", "web-1");
  const auto slow = Key("shop", "slow-1");
  bucketer.Add("a", 1000, 1'001'000, Page({PodOf(key, CpuUsage(0))}));
  bucketer.Add("a", 1010, 1'011'000, Page({PodOf(key, CpuUsage(100))}));
  bucketer.Add("b", 1000, 1'012'000, Page({PodOf(slow, CpuUsage(0))}));  // b is slow
  bucketer.Add("b", 1000, 1'012'500, Page({PodOf(slow, CpuUsage(9))}));  // a second time: ignored
  Bucket bucket = bucketer.Seal(1000, 0);
  CHECK(Value(bucket, Kind::kCluster, "", Field::kPods) == 2);
  CHECK(Value(bucket, Kind::kCluster, "", kCpu) == 0);
  bucketer.Add("b", 1000, 1'012'900, Page({PodOf(slow, CpuUsage(10))}));  // sealed: ignored
  bucketer.Add("b", 1010, 1'019'000, Page({PodOf(slow, CpuUsage(7))}));
  bucketer.Add("a", 1030, 1'031'000, Page({PodOf(key, CpuUsage(300))}));
  bucketer.Add("a", 1020, 1'021'000, Page({PodOf(key, CpuUsage(200, 64))}));  // older than a's last: gauges only
  bucket = bucketer.Seal(1010, 0);
  CHECK(Value(bucket, Kind::kCluster, "", kCpu) == 107);
  bucket = bucketer.Seal(1020, 1);
  CHECK(Value(bucket, Kind::kPod, "web-1", Field::kMemoryBytes) == 64);
  CHECK(!Value(bucket, Kind::kPod, "web-1", kCpu));
  bucket = bucketer.Seal(1030, 1);
  CHECK(Value(bucket, Kind::kCluster, "", kCpu) == 307);
  CHECK(Value(bucket, Kind::kPod, "web-1", kMillicores) == 0);  // 200 us over 20 s
}

TEST_CASE("An older page does not undo a pod's new identity") {
  Bucketer bucketer(10);
  const auto first = Key("db", "pg-0", "", "u1");
  const auto second = Key("db", "pg-0", "", "u2");
  Round(bucketer, 1000, Page({PodOf(first, CpuUsage(1000))}));
  bucketer.Add("a", 1020, 1'021'000, Page({PodOf(second, CpuUsage(30))}));
  bucketer.Add("a", 1010, 1'011'000, Page({PodOf(first, CpuUsage(1100))}));
  bucketer.Seal(1010, 0);
  bucketer.Seal(1020, 0);
  CHECK(Value(Round(bucketer, 1030, Page({PodOf(second, CpuUsage(50))})), Kind::kNamespace, "db", kCpu) == 50);
}

TEST_CASE("The clock set back by an hour: increases count on, without a rate") {
  Bucketer bucketer(10);
  const auto key = Key("shop", "web-1");
  Round(bucketer, 10'000, Page({PodOf(key, CpuUsage(0))}));
  bucketer.Seal(6400, 1);
  Bucket bucket = Round(bucketer, 6410, Page({PodOf(key, CpuUsage(70))}));
  CHECK(Value(bucket, Kind::kNamespace, "shop", kCpu) == 70);
  CHECK(!Value(bucket, Kind::kPod, "web-1", kMillicores));
  bucket = Round(bucketer, 6420, Page({PodOf(key, CpuUsage(100'070))}));
  CHECK(Value(bucket, Kind::kPod, "web-1", kMillicores) == 10);
}

TEST_CASE("A bucket without readings is the cluster's entry alone") {
  Bucketer bucketer(10);
  const Bucket bucket = bucketer.Seal(1000, 5);
  REQUIRE(bucket.entries.size() == 1);
  CHECK(Value(bucket, Kind::kCluster, "", Field::kNodes) == 0);
  CHECK(Value(bucket, Kind::kCluster, "", Field::kNodesMissing) == 5);
  CHECK(!Value(bucket, Kind::kCluster, "", Field::kPods));
}

TEST_CASE("Values beyond any sense saturate") {
  Bucketer bucketer(10);
  const auto one = Key("shop", "one");
  const auto two = Key("shop", "two");
  for (std::int64_t t = 1000; t < 1050; t += 10) {
    const std::uint64_t value = t % 20 == 0 ? 0 : UINT64_MAX;
    const Bucket bucket = Round(
        bucketer, t, Page({PodOf(one, CpuUsage(value, UINT64_MAX)), PodOf(two, CpuUsage(value, UINT64_MAX))}, value));
    CHECK(Value(bucket, Kind::kCluster, "", Field::kMemoryBytes) == INT64_MAX);
    CHECK(*Value(bucket, Kind::kCluster, "", kCpu) >= 0);
  }
}
