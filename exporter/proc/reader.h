// SPDX-License-Identifier: Apache-2.0
// Reads the node's and its processes' files below the directory that holds the node's /proc.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"
#include "exporter/proc/node.h"
#include "exporter/roots.h"

namespace cloudmon::proc {

// 1/USER_HZ seconds are the ticks of /proc/stat.
[[nodiscard]] double SystemTicksPerSecond();

// What the node says about itself. One thread at a time.
class NodeReader {
 public:
  // Uses `procfs` and `rootfs` of `roots`.
  explicit NodeReader(const Roots& roots, double ticks_per_second = SystemTicksPerSecond());

  // Reads stat, meminfo, loadavg, diskstats, pressure/* and 1/net/dev (net/dev would be the reader's own network).
  // `file_systems` stays empty.
  [[nodiscard]] NodeStats Read();

  // All block devices. Errors name the file.
  [[nodiscard]] Result<std::vector<Disk>> ReadDisks();

  // Sizes of the file systems on the node's disks (see NodeFileSystems), with the paths of the node. Sets
  // `file_systems` and adds to `errors`; one that cannot be seen from here is left out.
  void ReadFileSystems(NodeStats& stats);

 private:
  template <class Parser>
  auto ReadAndParse(const char* name, Parser parse) -> decltype(parse(std::string_view{}));

  std::string procfs_, rootfs_;
  std::optional<Uname> uname_;  // read once: it does not change until the next boot
  double ticks_per_second_;
  std::string buffer_;  // reused from file to file
};

// What /proc says about single processes. A process that is gone gives kNotFound or kGone. One thread at a time.
class ProcessReader {
 public:
  explicit ProcessReader(std::string procfs) : procfs_(std::move(procfs)) {}

  // The interfaces of the network that the process is in.
  [[nodiscard]] Result<std::vector<NetDevice>> ReadNetDev(std::uint32_t pid);

  // Whether the process is in a cgroup of that name or below it. The names above are not compared: they depend on the
  // cgroup namespace of the reader, to whom its own cgroup may be "/".
  [[nodiscard]] Result<bool> IsInCgroup(std::uint32_t pid, std::string_view name);

  // Whether two processes are in the same network namespace. Where the link ns/net may not be read (it takes the
  // privilege to trace the process) the inode of net/dev tells, which is one for each network namespace.
  [[nodiscard]] Result<bool> SameNetNamespace(std::uint32_t pid_a, std::uint32_t pid_b) const;

 private:
  std::string procfs_;
  std::string buffer_;  // reused from file to file
};

}  // namespace cloudmon::proc
