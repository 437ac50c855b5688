// SPDX-License-Identifier: Apache-2.0
#include "exporter/oom_tally.h"

#include <iterator>
#include <utility>

namespace cloudmon {

cgroup::Value OomTally::Update(const cgroup::Pod& pod) {
  Entry& entry = pods_[pod.uid];
  entry.seen = true;
  for (const cgroup::Container& container : pod.containers) {
    const cgroup::Value& kills = container.usage.memory.oom_kills;
    if (!kills) continue;
    entry.counted = true;
    if (*kills > 0) entry.kills_by_container[container.id] = *kills;
  }
  if (!entry.counted) return std::nullopt;
  std::uint64_t sum = 0;
  for (const auto& [id, kills] : entry.kills_by_container) sum += kills;
  return sum;
}

void OomTally::Sweep() {
  for (auto it = pods_.begin(); it != pods_.end();) {
    it = std::exchange(it->second.seen, false) ? std::next(it) : pods_.erase(it);
  }
}

}  // namespace cloudmon
