// SPDX-License-Identifier: Apache-2.0
// Cgroups for the benchmark: pods with containers in each of which a process sleeps, below a directory of their own in
// every v1 controller's mount and the unified one.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "exporter/cgroup/layout.h"

namespace cloudmon::bench {

// "/kubepods/burstable/pod<uid>" and "/<64 digits>" of it.
std::string PodPath(int pod);
std::string ContainerPath(int pod, int container);

// Makes the cgroups below <mount>/<prefix> and starts the processes, which die with the calling one. The first
// container of each pod has a CPU quota. Ends the program with a message when it cannot.
std::vector<pid_t> MakeTree(const cgroup::Layout& layout, const std::string& prefix, int pods, int containers_per_pod);

// Removes <mount>/<prefix> with all in it, waiting for the processes in it to end. Returns false when something is
// left.
bool RemoveTree(const cgroup::Layout& layout, const std::string& prefix);

}  // namespace cloudmon::bench
