// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace cloudmon {

// Where the node's file systems are seen from here: settings, so that a container's mounts and the tests' trees work
// alike.
struct Roots {
  std::string procfs;   // --path.procfs
  std::string cgroup;   // --path.cgroup: what is mounted at /sys/fs/cgroup on the node
  std::string rootfs;   // --path.rootfs: the node's root directory, for file systems
  std::string podlogs;  // --path.podlogs
};

}  // namespace cloudmon
