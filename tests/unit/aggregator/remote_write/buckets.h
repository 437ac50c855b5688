// SPDX-License-Identifier: Apache-2.0
// Small buckets for tests of what sends them.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "aggregator/series/model.h"

namespace cloudmon::test {

inline constexpr std::int64_t kInterval = 10;
inline constexpr std::int64_t kTime = 1'795'369'210;

inline series::Entry PodEntry(const std::string& pod, std::int64_t memory_bytes,
                              const std::string& deployment = "web") {
  series::Point point;
  point.Set(series::Field::kMemoryBytes, memory_bytes);
  return {std::make_shared<series::Member>(series::Member{series::Kind::kPod, "node-a", "shop", deployment, pod}),
          point};
}

inline series::Bucket BucketOf(std::int64_t time_seconds, std::initializer_list<series::Entry> entries) {
  return {time_seconds, entries};
}

}  // namespace cloudmon::test
