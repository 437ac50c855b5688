// SPDX-License-Identifier: Apache-2.0
// A small cluster in a store: two nodes, namespaces shop and infra, four pods, three buckets.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <initializer_list>
#include <memory>
#include <string>
#include <utility>

#include "aggregator/series/model.h"
#include "tests/support/fake_store.h"

namespace cloudmon::test {

inline constexpr std::int64_t kInterval = 10;
inline constexpr std::int64_t kFirst = 1'795'369'200;  // 2026-11-22 17:40:00 UTC
inline constexpr std::int64_t kNewest = kFirst + 20;

// Sets TZ while it lives.
class TimeZone {
 public:
  explicit TimeZone(const char* zone) {
    ::setenv("TZ", zone, 1);
    ::tzset();
  }
  ~TimeZone() {
    ::unsetenv("TZ");
    ::tzset();
  }
  TimeZone(const TimeZone&) = delete;
  TimeZone& operator=(const TimeZone&) = delete;
};

inline series::MemberPtr MakeMember(series::Member member) {
  return std::make_shared<const series::Member>(std::move(member));
}
inline series::Member Pod(std::string node, std::string ns, std::string deployment, std::string pod) {
  return {series::Kind::kPod, std::move(node), std::move(ns), std::move(deployment), std::move(pod)};
}

inline series::Point MakePoint(std::initializer_list<std::pair<series::Field, std::int64_t>> values) {
  series::Point point;
  for (const auto& [field, value] : values) point.Set(field, value);
  return point;
}

// A point with all that a pod has; `seed` makes members and buckets differ.
inline series::Point PodPoint(std::int64_t seed) {
  using F = series::Field;
  return MakePoint({{F::kCpuMillicores, 10 * seed},
                    {F::kCpuUsageUsec, 1'000'000 + 100'000 * seed},
                    {F::kMemoryBytes, 1'048'576 * seed},
                    {F::kMemoryWorkingSetBytes, 1'000'000 * seed},
                    {F::kDiskReadBytes, 0},
                    {F::kDiskWriteBytes, 83'886'080 * seed},
                    {F::kNetworkRxBytes, 1656 + 124 * seed},
                    {F::kNetworkTxBytes, 612 + 41 * seed},
                    {F::kDiskReadRate, 0},
                    {F::kDiskWriteRate, 83'886'080 * seed},
                    {F::kNetworkRxRate, 124 * seed},
                    {F::kNetworkTxRate, 41 * seed}});
}

inline series::Point With(series::Point point, std::initializer_list<std::pair<series::Field, std::int64_t>> values) {
  for (const auto& [field, value] : values) point.Set(field, value);
  return point;
}

// One bucket of the sample. cache-0 has no deployment, and no network or disk (host network); it misses the second
// bucket. shop/web and infra/web have pods of the same name.
inline series::Bucket SampleBucket(std::int64_t index) {
  using series::Kind;
  using F = series::Field;
  series::Bucket bucket{kFirst + index * kInterval, {}};
  auto add = [&](series::Member member, series::Point point) {
    bucket.entries.push_back({MakeMember(std::move(member)), point});
  };
  add({Kind::kNode, "node-a", "", "", ""},
      With(PodPoint(40 + index),
           {{F::kPods, 3}, {F::kCpuCapacityMillicores, 4000}, {F::kMemoryCapacityBytes, 8'589'934'592}}));
  add({Kind::kNode, "node-b", "", "", ""}, With(PodPoint(30 + index), {{F::kPods, 1}}));
  add(Pod("node-a", "shop", "web", "web-1"), PodPoint(5 + index));
  add(Pod("node-b", "shop", "web", "web-2"), PodPoint(9 - index));
  add(Pod("node-a", "infra", "web", "web-1"), PodPoint(2 + index));
  if (index != 1) add(Pod("node-a", "infra", "", "cache-0"), MakePoint({{F::kMemoryBytes, 4096 + index}}));
  add({Kind::kNamespace, "", "shop", "", ""}, With(PodPoint(14), {{F::kPods, 2}}));
  add({Kind::kNamespace, "", "infra", "", ""}, With(PodPoint(2 + index), {{F::kPods, index == 1 ? 1 : 2}}));
  add({Kind::kDeployment, "", "shop", "web", ""}, With(PodPoint(14), {{F::kPods, 2}}));
  add({Kind::kDeployment, "", "infra", "web", ""}, With(PodPoint(2 + index), {{F::kPods, 1}}));
  add({Kind::kCluster, "", "", "", ""},
      With(PodPoint(16 + index), {{F::kPods, index == 1 ? 3 : 4}, {F::kNodes, 2}, {F::kNodesMissing, 1}}));
  return bucket;
}

inline void FillSample(store::Store& store) {
  for (std::int64_t i = 0; i < 3; ++i) store.Append(SampleBucket(i));
}

}  // namespace cloudmon::test
