// SPDX-License-Identifier: Apache-2.0
#include "exporter/oom_tally.h"

#include <iterator>
#include <utility>

namespace cloudmon {

std::uint64_t OomTally::Update(const cgroup::Pod& pod) {
  Entry& entry = pods_[pod.uid];
  entry.seen = true;
  for (const cgroup::Container& container : pod.containers) {
    if (container.usage.memory.oom_kills) entry.kills_by_container[container.id] = *container.usage.memory.oom_kills;
  }
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
