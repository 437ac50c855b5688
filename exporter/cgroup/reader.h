// SPDX-License-Identifier: Apache-2.0
// Finds all pods and containers of the node and reads what they use.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/clock.h"
#include "exporter/cgroup/kubepods_search.h"
#include "exporter/cgroup/layout.h"
#include "exporter/cgroup/scan.h"
#include "exporter/cgroup/usage_reader.h"
#include "exporter/roots.h"

namespace cloudmon::cgroup {

// One thread at a time. Keeps no descriptor open between two calls.
class CgroupReader {
 public:
  // USER_HZ, the unit of cpuacct.stat.
  static std::uint64_t SystemTicksPerSecond();

  // Reads roots.cgroup and, of roots.procfs, mountinfo and the time of boot. `clock` must outlive the reader.
  CgroupReader(Roots roots, const Clock& clock, std::uint64_t ticks_per_second = SystemTicksPerSecond());

  // Reads every pod and container there is now. What goes meanwhile is left out; what cannot be read or understood is
  // absent and an error in the scan, which never fails as a whole.
  [[nodiscard]] CgroupScan Read();

 private:
  // The cgroup file systems keep no time of creation: that of a directory nobody has looked at for long may be made
  // anew. So the earliest seen counts.
  struct Start {
    ino_t inode;
    double unix_seconds;
    std::uint64_t pass;
  };

  [[nodiscard]] bool FindLayout(CgroupScan& scan);
  [[nodiscard]] OpenCgroup OpenTop(CgroupScan& scan) const;
  [[nodiscard]] OpenCgroup OpenBelow(const OpenCgroup& parent, const std::string& name, CgroupScan& scan) const;
  void FindRoots(int walk_fd);
  void ReadBelow(const OpenCgroup& cgroup, const Place& place, UsageReader& reader, CgroupScan& scan);
  void ReadPod(const OpenCgroup& cgroup, const Place& place, UsageReader& reader, CgroupScan& scan);
  void ReadContainers(const OpenCgroup& cgroup, const Place& place, UsageReader& reader, CgroupScan& scan, Pod& pod);
  [[nodiscard]] std::vector<std::string> Children(const OpenCgroup& cgroup, CgroupScan& scan) const;
  [[nodiscard]] std::optional<double> StartTime(const OpenCgroup& cgroup);

  const Roots roots_;
  const Clock& clock_;
  const std::uint64_t ticks_per_second_;
  std::optional<double> boot_time_seconds_;  // Unix time
  std::optional<Layout> layout_;
  std::vector<KubepodsRoot> kubepods_;
  std::optional<std::int64_t> searched_at_ms_;
  std::map<std::string, Start, std::less<>> starts_;  // by cgroup path
  std::uint64_t pass_ = 0;
};

}  // namespace cloudmon::cgroup
