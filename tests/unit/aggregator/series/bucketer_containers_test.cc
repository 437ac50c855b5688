// SPDX-License-Identifier: Apache-2.0
// Pods that are the sum of their containers.
#include <doctest/doctest.h>

#include <utility>
#include <vector>

#include "aggregator/series/bucketer.h"
#include "tests/unit/aggregator/series/readings.h"

using namespace cloudmon::series;
using namespace cloudmon::series::test;

namespace {

constexpr Field kCpu = Field::kCpuUsageUsec;

struct Fixture {
  Bucketer bucketer{10};
  std::shared_ptr<const PodKey> key = Key("shop", "web-1", "web", "u1");

  Bucket Round(std::int64_t time, std::vector<std::pair<std::string, std::uint64_t>> containers,
               std::optional<double> start = std::nullopt) {
    PodReading reading = PodOf(key, {}, start);
    reading.usage.network_rx_bytes = 10;
    for (auto& [name, cpu] : containers) reading.containers.push_back({std::move(name), CpuUsage(cpu, 100)});
    bucketer.Add("a", time, time * 1000 + 1000, Page({reading}));
    return bucketer.Seal(time, 0);
  }
  static std::int64_t Pod(const Bucket& bucket) { return *Value(bucket, Kind::kPod, "web-1", kCpu); }
  static std::int64_t Ns(const Bucket& bucket) { return *Value(bucket, Kind::kNamespace, "shop", kCpu); }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "A pod of containers: sums, and a total that does not fall when one restarts") {
  Bucket bucket = Round(1000, {{"app", 1000}, {"proxy", 500}});
  CHECK(Pod(bucket) == 1500);
  CHECK(Ns(bucket) == 0);
  CHECK(Value(bucket, Kind::kPod, "web-1", Field::kMemoryBytes) == 200);
  CHECK(Value(bucket, Kind::kPod, "web-1", Field::kNetworkRxBytes) == 10);
  CHECK(!Value(bucket, Kind::kPod, "web-1", Field::kDiskReadBytes));
  CHECK(!Value(bucket, Kind::kPod, "web-1", Field::kCpuMillicores));

  bucket = Round(1010, {{"app", 101'000}, {"proxy", 100'500}});
  CHECK(Pod(bucket) == 201'500);
  CHECK(Value(bucket, Kind::kPod, "web-1", Field::kCpuMillicores) == 20);
  bucket = Round(1020, {{"proxy", 100'700}, {"app", 300}});  // app restarted, in another order
  CHECK(Pod(bucket) == 202'000);
  CHECK(Ns(bucket) == 200'500);
  bucket = Round(1030, {{"proxy", 100'700}});  // app is down
  CHECK(Pod(bucket) == 202'000);
  CHECK(Value(bucket, Kind::kPod, "web-1", Field::kMemoryBytes) == 100);
  bucket = Round(1040, {{"proxy", 100'700}, {"app", 40'300}});  // 40,000 us over its own 20 s
  CHECK(Pod(bucket) == 242'000);
  CHECK(Value(bucket, Kind::kPod, "web-1", Field::kCpuMillicores) == 2);
}

TEST_CASE_FIXTURE(Fixture, "A container that joins a known pod has begun since the last scrape") {
  Round(1000, {{"app", 1000}});
  const Bucket bucket = Round(1010, {{"app", 1000}, {"debug", 50'000}});
  CHECK(Pod(bucket) == 51'000);
  CHECK(Ns(bucket) == 50'000);
  CHECK(Value(bucket, Kind::kPod, "web-1", Field::kCpuMillicores) == 5);
}

TEST_CASE_FIXTURE(Fixture, "Two containers of one name on a page: one is followed") {
  Round(1000, {{"app", 1000}});
  CHECK(Ns(Round(1010, {{"app", 1100}, {"app", 5}})) == 100);
  CHECK(Ns(Round(1020, {{"app", 1200}, {"app", 6}})) == 200);
  CHECK(Ns(Round(1030, {{"app", 9}})) == 209);
}

TEST_CASE_FIXTURE(Fixture, "A young pod counts from its start, a new uid starts over") {
  bucketer.Add("a", 1000, 1'001'000, Page({}));
  bucketer.Seal(1000, 0);
  Bucket bucket = Round(1010, {{"app", 30'000}, {"proxy", 10'000}}, 1007.0);
  CHECK(Ns(bucket) == 40'000);
  CHECK(Value(bucket, Kind::kPod, "web-1", Field::kCpuMillicores) == 10);
  key = Key("shop", "web-1", "web", "u2");
  bucket = Round(1020, {{"app", 50'000}});
  CHECK(Pod(bucket) == 50'000);
  CHECK(Ns(bucket) == 90'000);
  CHECK(Value(bucket, Kind::kPod, "web-1", Field::kCpuMillicores) == 5);
}

TEST_CASE_FIXTURE(Fixture, "A page that changes from containers to pod totals starts the pod anew") {
  Round(1000, {{"app", 1000}});
  bucketer.Add("a", 1010, 1'011'000, Page({PodOf(key, CpuUsage(900'000))}));
  Bucket bucket = bucketer.Seal(1010, 0);
  CHECK(Pod(bucket) == 900'000);
  CHECK(Ns(bucket) == 0);
  bucket = Round(1020, {{"app", 1200}});
  CHECK(Pod(bucket) == 1200);
  CHECK(Ns(bucket) == 0);
  // Only network for a while (all containers down) is not a change.
  CHECK(!Value(Round(1030, {}), Kind::kPod, "web-1", kCpu));
  CHECK(Ns(Round(1040, {{"app", 1500}})) == 300);
}
