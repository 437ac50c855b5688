// SPDX-License-Identifier: Apache-2.0
// Buckets to store, made by numbers so that a test can make the same again and compare.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "aggregator/series/model.h"
#include "aggregator/store/store.h"

namespace cloudmon::store::test {

using series::Field;
using series::Kind;
using series::Member;
using series::Point;

inline constexpr std::int64_t kFirst = 1'000'000;  // the first bucket of most tests

inline series::MemberPtr Of(Member member) {
  return std::make_shared<const Member>(std::move(member));
}

// A cluster of `pods` pods on two nodes: pod i is in namespace i % 3 and deployment i % 5, or in none. Members are the
// same objects in every bucket.
class Cluster {
 public:
  explicit Cluster(int pods) {
    for (const char* node : {"node-a", "node-b"}) members_.push_back(Of({Kind::kNode, node, "", "", ""}));
    for (int i = 0; i < pods; ++i) {
      const std::string deployment = i % 4 == 3 ? "" : "d" + std::to_string(i % 5);
      members_.push_back(Of({Kind::kPod, i % 2 == 0 ? "node-a" : "node-b", "ns" + std::to_string(i % 3), deployment,
                             "pod-" + std::to_string(i)}));
    }
    for (int i = 0; i < 3; ++i) members_.push_back(Of({Kind::kNamespace, "", "ns" + std::to_string(i), "", ""}));
    members_.push_back(Of({Kind::kDeployment, "", "ns0", "d1", ""}));
    members_.push_back(Of({Kind::kCluster, "", "", "", ""}));
  }

  // What the bucket at `time` holds: pods come and go, values are absent, zero, huge or negative.
  [[nodiscard]] series::Bucket At(std::int64_t time) const {
    series::Bucket bucket{time, {}};
    for (std::size_t i = 0; i < members_.size(); ++i) {
      const bool pod = members_[i]->kind == Kind::kPod;
      std::mt19937_64 random(static_cast<std::uint64_t>(time) * 1'000 + i);
      if (!pod || random() % 8 != 0) bucket.entries.push_back({members_[i], PointFrom(random)});
    }
    return bucket;
  }

  static Point PointFrom(std::mt19937_64& random) {
    Point point;
    for (const series::FieldInfo& info : series::kFields) {
      switch (random() % 6) {
        case 0:
          break;
        case 1:
          point.Set(info.field, 0);
          break;
        case 2:
          point.Set(info.field, -static_cast<std::int64_t>(random() % 100));
          break;
        case 3:
          point.Set(info.field, static_cast<std::int64_t>(random() >> 5U));
          break;
        default:
          point.Set(info.field, static_cast<std::int64_t>(random() % 100'000));
      }
    }
    return point;
  }

 private:
  std::vector<series::MemberPtr> members_;
};

// (member, time) -> point: what is in buckets, and what a store says.
using Table = std::map<std::pair<Member, std::int64_t>, Point>;

inline void AddTo(Table& table, const series::Bucket& bucket) {
  for (const series::Entry& entry : bucket.entries) table[{*entry.member, bucket.time_seconds}] = entry.point;
}

inline Table TableOf(const std::vector<SeriesSlice>& slices) {
  Table table;
  for (const SeriesSlice& slice : slices) {
    for (std::size_t i = 0; i < slice.points.size(); ++i) {
      table[{*slice.member, slice.times_seconds[i]}] = slice.points[i];
    }
  }
  return table;
}

inline constexpr std::size_t kNoLimit = SIZE_MAX;

// All that a store has of a range.
inline Table Everything(const Store& store, std::int64_t start = 0, std::int64_t end = INT64_MAX) {
  Table all;
  for (const Kind kind : {Kind::kNode, Kind::kPod, Kind::kNamespace, Kind::kDeployment, Kind::kCluster}) {
    auto slices = store.Select({kind, "", "", "", ""}, start, end, series::kAllFields, kNoLimit);
    if (!slices.ok()) return {};
    all.merge(TableOf(slices.value()));
  }
  return all;
}

}  // namespace cloudmon::store::test
