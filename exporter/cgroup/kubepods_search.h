// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "exporter/cgroup/cgroup_path.h"

namespace cloudmon::cgroup {

// A directory below which pods are.
struct KubepodsRoot {
  std::string path;  // from the hierarchy's root: "/kubelet/kubepods"
  Place place;
};

// Looks for kubepods directories at most kMaxSearchDepth levels below the directory `mount_fd`, and not within each
// other: there may be several (clusters in containers). Only directories that have directories are listed, at most
// kMaxSearchedDirectories of them. What cannot be opened is passed over. Thread-safe.
inline constexpr int kMaxSearchDepth = 6;
inline constexpr int kMaxSearchedDirectories = 10'000;
[[nodiscard]] std::vector<KubepodsRoot> FindKubepods(int mount_fd);

}  // namespace cloudmon::cgroup
