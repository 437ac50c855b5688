// SPDX-License-Identifier: Apache-2.0
// Finds all pods and containers of the node and reads what they use.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/clock.h"
#include "exporter/cgroup/control_files.h"
#include "exporter/cgroup/known_cgroup.h"
#include "exporter/cgroup/kubepods_search.h"
#include "exporter/cgroup/layout.h"
#include "exporter/cgroup/scan.h"
#include "exporter/cgroup/usage_reader.h"
#include "exporter/roots.h"

namespace cloudmon::cgroup {

// One thread at a time. Between two calls it keeps control files open, as many as it may, and nothing else.
class CgroupReader {
 public:
  // USER_HZ, the unit of cpuacct.stat.
  static std::uint64_t SystemTicksPerSecond();

  // Reads roots.cgroup and, of roots.procfs, mountinfo and the time of boot. `max_kept`: how many files may stay open,
  // as far as RLIMIT_NOFILE allows. `clock` must outlive the reader.
  CgroupReader(Roots roots, const Clock& clock, std::size_t max_kept,
               std::uint64_t ticks_per_second = SystemTicksPerSecond());

  // Reads every pod and container there is now. What goes meanwhile is left out; what cannot be read or understood is
  // absent and an error in the scan, which never fails as a whole. Settings (limits, shares) may be as old as
  // kSettingsMs.
  [[nodiscard]] CgroupScan Read();

  // Whether a process is, now, in a container's own cgroup, by a path of the last scan. False also where no descriptor
  // was kept to tell it by.
  [[nodiscard]] bool HasProcess(std::string_view container_path, std::uint32_t pid);

 private:
  // One scan.
  struct Pass {
    std::int64_t now_ms;
    const MountDirs& mounts;
    UsageReader& reader;
    CgroupScan& scan;
  };

  [[nodiscard]] CgroupScan ReadOnce();
  [[nodiscard]] bool FindLayout(CgroupScan& scan);
  [[nodiscard]] MountDirs OpenMounts(CgroupScan& scan);
  void FindRoots(int walk_fd);
  [[nodiscard]] bool LookAt(KnownCgroup& cgroup, Pass& pass);
  [[nodiscard]] Result<UniqueFd> Open(const KnownCgroup& cgroup, int flags, Pass& pass);
  [[nodiscard]] std::vector<std::string> List(const KnownCgroup& cgroup, Pass& pass);
  template <class ReadChild>
  void ReadChildren(KnownCgroup& cgroup, Pass& pass, ReadChild read_child);
  [[nodiscard]] bool ReadBelow(KnownCgroup& cgroup, const Place& place, Pass& pass);
  [[nodiscard]] bool ReadPod(KnownCgroup& cgroup, const Place& place, Pass& pass);
  [[nodiscard]] bool ReadContainer(KnownCgroup& cgroup, const Place& place, Pass& pass, Pod& pod);

  const Roots roots_;
  const Clock& clock_;
  const std::uint64_t ticks_per_second_;
  std::optional<double> boot_time_seconds_;  // Unix time
  std::optional<Layout> layout_;
  std::vector<KubepodsRoot> kubepods_;
  std::optional<std::int64_t> searched_at_ms_;
  ControlFiles files_;
  KnownCgroup top_;   // its children are the kubepods directories, by path without the first slash
  std::string path_;  // reused from cgroup to cgroup
};

}  // namespace cloudmon::cgroup
