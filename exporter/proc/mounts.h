// SPDX-License-Identifier: Apache-2.0
// The mount table of a process, and which of its file systems are worth a size. Pure; safe to call from any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"

namespace cloudmon::proc {

struct Mount {
  std::string device, mount_point, type;  // escapes resolved; bytes as the kernel gives them
};

// Parses /proc/PID/mounts: device, mount point, type, options, two numbers. Blanks, tabs, newlines and backslashes in
// names are written as \040, \011, \012 and \134. Error: kParse naming the line.
//   /dev/sdb1 /mnt/my\040disk ext4 rw,relatime 0 0
// Kernel document: Documentation/filesystems/proc.rst; escapes: getmntent(3)
[[nodiscard]] Result<std::vector<Mount>> ParseMounts(std::string_view text);

// Those that are on a disk of this node, in the order of their mount points: the type is a local disk file system (a
// network or FUSE mount could hang whoever asks for its size), the mount point is not below /dev, /proc, /sys, /run or
// the directories of containerd, docker and the kubelet. Each device comes once, at its shortest mount point; where
// mounts lie upon each other, only the last one counts.
[[nodiscard]] std::vector<Mount> NodeFileSystems(const std::vector<Mount>& mounts);

}  // namespace cloudmon::proc
