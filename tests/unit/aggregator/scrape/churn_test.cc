// SPDX-License-Identifier: Apache-2.0
// Pods, jobs and nodes that come and go for ever, from page to bucket: what is remembered of them stays bounded.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "aggregator/scrape/page_reader.h"
#include "aggregator/series/bucketer.h"
#include "aggregator/series/nodes.h"
#include "aggregator/series/rollup.h"

namespace cloudmon::scrape {
namespace {

using exposition::Format;

constexpr std::int64_t kInterval = 60;

// `count` pods with three series each, from number `first`; each is of a deployment of its own, as jobs are.
std::string PodsPage(int first, int count) {
  std::string body;
  for (const char* metric : {"pod_cpu_usage_seconds_total", "pod_memory_usage_bytes", "cloudmon_pod_info"}) {
    for (int i = first; i < first + count; ++i) {
      const std::string n = std::to_string(i);
      body += std::string(metric) + "{namespace=\"n\",pod=\"p-" + n + "\",deployment=\"job-" + n + "\",pod_uid=\"u-" +
              n + "\"} 1\n";
    }
  }
  return body;
}

// Pods without values of their own, for the bucketer alone.
series::TargetReading PodsReading(int first, int count) {
  series::TargetReading reading;
  for (int i = first; i < first + count; ++i) {
    series::PodReading& pod = reading.pods.emplace_back();
    pod.key = std::make_shared<series::PodKey>(series::PodKey{"n", "p-" + std::to_string(i), {}, {}});
    pod.usage.memory_bytes = 1;
  }
  return reading;
}

}  // namespace

TEST_CASE("churn: 30,000 pods in 17 hours, each there for three buckets") {
  constexpr int kNew = 30, kThere = 3 * kNew, kRounds = 1000;
  constexpr std::size_t kPerHour = kNew * (series::kForgetCountersSeconds / kInterval);
  PageReader reader;
  series::Bucketer bucketer(kInterval);
  for (int round = 0; round < kRounds; ++round) {
    const std::int64_t bucket = (round + 1) * kInterval;
    const PageReading page = reader.Read(PodsPage(round * kNew, kThere), Format::kText, {});
    REQUIRE(page.reading.pods.size() == kThere);
    bucketer.Add("node", bucket, bucket * 1000, page.reading);
    REQUIRE(bucketer.Seal(bucket, 0).entries.size() == 1U + kThere + kThere + 1 + 1);
    REQUIRE(reader.cached_series() == 3U * kThere);
    REQUIRE(reader.cached_owners() <= 3U * (3 * 3 * kThere + 64 + 3 * kThere));
    const series::Bucketer::Remembered remembered = bucketer.remembered();
    REQUIRE(remembered.nodes == 1);
    REQUIRE(remembered.pods <= kThere + kPerHour + kNew);
    REQUIRE(remembered.groups <= series::kMaxEndedGroups + kThere + kPerHour + kNew + 1);
  }
  CHECK(bucketer.remembered().groups > series::kMaxEndedGroups);  // it was the limit that held
}

TEST_CASE("churn: more pods in an hour than are remembered, and those that are there stay known") {
  constexpr int kThere = 30'000;
  series::Bucketer bucketer(kInterval);
  series::TargetReading reading = PodsReading(0, 1);
  reading.pods[0].usage.cpu_usage_usec = 1'000'000;
  for (int round = 0; round < 4; ++round) {
    const std::int64_t bucket = (round + 1) * kInterval;
    bucketer.Add("a", bucket, bucket * 1000, PodsReading(round * kThere, kThere));
    bucketer.Add("b", bucket, bucket * 1000, reading);
    (void)bucketer.Seal(bucket, 0);
    REQUIRE(bucketer.remembered().pods <= series::kMaxEndedPods + kThere + 1);
  }
  CHECK(bucketer.remembered().pods > kThere);
  reading.pods[0].usage.cpu_usage_usec = 7'000'000;
  bucketer.Add("b", 5 * kInterval, 5 * kInterval * 1000, reading);
  const series::Bucket bucket = bucketer.Seal(5 * kInterval, 0);
  CHECK(bucket.entries[1].point.Get(series::Field::kCpuMillicores) == 100);
}

TEST_CASE("churn: pods of a node that is silent are not forgotten for others that end") {
  constexpr int kThere = 60'000;
  series::Bucketer bucketer(kInterval);
  bucketer.Add("silent", kInterval, kInterval * 1000, PodsReading(0, kThere));
  (void)bucketer.Seal(kInterval, 0);
  bucketer.Add("other", 2 * kInterval, 2 * kInterval * 1000, PodsReading(0, 1));
  (void)bucketer.Seal(2 * kInterval, 0);
  CHECK(bucketer.remembered().pods == kThere + 1);
}

TEST_CASE("churn: nodes with ever new names") {
  constexpr int kNodes = 300, kRounds = 30;
  series::Bucketer bucketer(kInterval);
  std::size_t most = 0;
  for (int round = 0; round < kRounds; ++round) {
    const std::int64_t bucket = (round + 1) * 7200;  // each is silent for more than an hour when the next ones come
    for (int i = 0; i < kNodes; ++i) {
      bucketer.Add("node-" + std::to_string(round * kNodes + i), bucket, bucket * 1000, {});
    }
    (void)bucketer.Seal(bucket, 0);
    most = std::max(most, bucketer.remembered().nodes);
    REQUIRE(bucketer.remembered().nodes <= series::kMaxEndedNodes + kNodes);
  }
  CHECK(most > series::kMaxEndedNodes);
}

}  // namespace cloudmon::scrape
