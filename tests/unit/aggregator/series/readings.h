// SPDX-License-Identifier: Apache-2.0
// Short ways to write readings and to look into buckets.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "aggregator/series/model.h"
#include "aggregator/series/reading.h"

namespace cloudmon::series::test {

inline std::shared_ptr<const PodKey> Key(std::string ns, std::string pod, std::string deployment = "",
                                         std::string uid = "") {
  return std::make_shared<const PodKey>(PodKey{std::move(ns), std::move(pod), std::move(deployment), std::move(uid)});
}

inline Usage CpuUsage(std::uint64_t cpu_usec, std::uint64_t memory = 1000) {
  Usage usage;
  usage.cpu_usage_usec = cpu_usec;
  usage.memory_bytes = memory;
  return usage;
}

inline PodReading PodOf(std::shared_ptr<const PodKey> key, Usage usage, std::optional<double> start = std::nullopt) {
  PodReading reading;
  reading.key = std::move(key);
  reading.usage = usage;
  reading.start_time_seconds = start;
  return reading;
}

inline TargetReading Page(std::vector<PodReading> pods, std::uint64_t node_cpu_usec = 0) {
  TargetReading reading;
  reading.node_reading.usage = CpuUsage(node_cpu_usec, 5000);
  reading.pods = std::move(pods);
  return reading;
}

// The entry of a member, by kind and name (a pod's, deployment's, namespace's or node's); null where there is none.
inline const Entry* Find(const Bucket& bucket, Kind kind, std::string_view name = "") {
  for (const Entry& entry : bucket.entries) {
    const Member& m = *entry.member;
    const std::string& own = kind == Kind::kPod          ? m.pod
                             : kind == Kind::kDeployment ? m.deployment
                             : kind == Kind::kNamespace  ? m.ns
                                                         : m.node;
    if (m.kind == kind && own == name) return &entry;
  }
  return nullptr;
}

// A value of that entry; nullopt where the entry or the value is missing.
inline std::optional<std::int64_t> Value(const Bucket& bucket, Kind kind, std::string_view name, Field field) {
  const Entry* entry = Find(bucket, kind, name);
  if (entry == nullptr || !entry->point.Has(field)) return std::nullopt;
  return entry->point.Get(field);
}

}  // namespace cloudmon::series::test
