// SPDX-License-Identifier: Apache-2.0
// Cgroups for the benchmarks: pods with containers in each of which a process sleeps, below a directory of their own in
// every v1 controller's mount and the unified one.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

#include "exporter/cgroup/layout.h"

namespace cloudmon::bench {

inline constexpr int kContainersPerPod = 2;

// "/kubepods/burstable/pod<uid>" and "/<64 digits>" of it.
std::string PodPath(int pod);
std::string ContainerPath(int pod, int container);

// Makes the cgroups below <mount>/<prefix> and starts the processes, which die with the calling one. The first
// container of each pod has a CPU quota. Ends the program with a message when it cannot.
std::vector<pid_t> MakeTree(const cgroup::Layout& layout, const std::string& prefix, int pods);

// Removes <mount>/<prefix> with all in it, waiting for the processes in it to end. Returns false when something is
// left.
bool RemoveTree(const cgroup::Layout& layout, const std::string& prefix);

// Mounts seen as if the prefix were their root, so that pods of others on this machine are not read.
class View {
 public:
  View(const cgroup::Layout& layout, const std::string& prefix);
  ~View();
  View(const View&) = delete;
  View& operator=(const View&) = delete;
  // For --path.cgroup.
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// What a benchmark's main does: runs `work`, which makes a tree, in a process of its own, and removes the tree after
// it, also when it is interrupted. Returns what `work` returns; 1 where this machine has no cgroup v1, this is not
// root, or something is left.
int RunWithCgroups(const std::function<int(const cgroup::Layout&, const std::string& prefix, const View&)>& work);

}  // namespace cloudmon::bench
