// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace cloudmon {

// Where every distribution mounts its cgroups; mount points in a mountinfo of the node are below it. A fact about the
// node, not a place to read: reading goes through Roots::cgroup.
inline constexpr std::string_view kNodeCgroupMount = "/sys/fs/cgroup";

// Where the node's file systems are seen from here: settings, so that a container's mounts and the tests' trees work
// alike.
struct Roots {
  std::string procfs;   // --path.procfs
  std::string cgroup;   // --path.cgroup: what is mounted at /sys/fs/cgroup on the node
  std::string rootfs;   // --path.rootfs: the node's root directory, for file systems
  std::string podlogs;  // --path.podlogs
};

}  // namespace cloudmon
