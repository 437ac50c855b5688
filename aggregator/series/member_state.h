// SPDX-License-Identifier: Apache-2.0
// What is remembered of a node or a pod between scrapes, and how a reading becomes its point. Pure; one thread at a
// time for each state.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "aggregator/series/counter.h"
#include "aggregator/series/model.h"
#include "aggregator/series/reading.h"

namespace cloudmon::series {

// Values that are not seen for this long (in bucket time) are forgotten: the next reading is a first sight.
inline constexpr std::int64_t kForgetCountersSeconds = 3600;

// A member's entry, and what its counters add to the rollups.
struct Update {
  Point point;
  std::array<std::uint64_t, kCounterCount> increase{};  // by Counter; 0 where the point has no total
};

// A node's totals are running sums on top of its first raw totals, so that a reboot does not make them fall.
struct NodeCounters {
  std::array<CounterState, kCounterCount> counters;
  std::array<std::uint64_t, kCounterCount> totals{};
};
[[nodiscard]] Point AdvanceNode(NodeCounters& state, const NodeReading& reading, std::int64_t at_ms);

struct ContainerState {
  std::string name;
  std::int64_t at_ms = 0;
  std::array<CounterState, kContainerCounterCount> counters;
};

struct ContainerSums {
  std::array<std::uint64_t, kContainerCounterCount> totals{};  // the running sums
  std::vector<ContainerState> containers;
};

// A pod's totals are its cgroup's. Where the source has only containers, CPU and disk are running sums of the
// containers' increases on top of their first sum, so that a restarted container does not make them fall.
struct PodCounters {
  enum class Form : std::uint8_t { kUnknown, kCgroup, kContainers };

  Form form = Form::kUnknown;  // kUnknown: new, or restored
  std::int64_t at_ms = 0;      // the last reading; 0: none
  std::array<CounterState, kCounterCount> counters;
  std::unique_ptr<ContainerSums> sums;  // kContainers, or restored; else null
};
// `zero_at_ms`: the pod is known to have begun then, with all counters at 0, and `state` is empty. nullopt: the pod is
// known, or nothing is known about its past.
[[nodiscard]] Update AdvancePod(PodCounters& state, const PodReading& reading, std::int64_t at_ms,
                                std::optional<std::int64_t> zero_at_ms);

// The gauges alone, of a reading that is older than one already taken: its counters can no longer be used.
[[nodiscard]] Point NodeGauges(const NodeReading& reading);
[[nodiscard]] Point PodGauges(const PodReading& reading);

// The state that goes on from a stored point: its totals stand for the source's raw ones.
[[nodiscard]] NodeCounters RestoreNode(const Point& point, std::int64_t at_ms, std::int64_t uncertainty_ms);
[[nodiscard]] PodCounters RestorePod(const Point& point, std::int64_t at_ms, std::int64_t uncertainty_ms);

}  // namespace cloudmon::series
