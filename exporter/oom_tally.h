// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "exporter/cgroup/usage.h"

namespace cloudmon {

// Sums the OOM kills of all containers that a pod has had, so that the sum does not fall when one of them goes: cgroup
// v1 keeps no such counter for the pod (metrics.md: pod_oom_events_total). One thread at a time.
class OomTally {
 public:
  // Takes the pod's containers as they are now and returns the sum over all seen since the pod was first given; nullopt
  // where none of them had a count.
  cgroup::Value Update(const cgroup::Pod& pod);
  // Forgets pods not given since the last call.
  void Sweep();

 private:
  struct Entry {
    std::map<std::string, std::uint64_t, std::less<>> kills_by_container;  // without those that have none
    bool counted = false;                                                  // a container has had a count
    bool seen = false;
  };
  std::map<std::string, Entry, std::less<>> pods_;  // by pod UID
};

}  // namespace cloudmon
