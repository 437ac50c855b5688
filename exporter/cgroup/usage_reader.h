// SPDX-License-Identifier: Apache-2.0
// Reads the control files of one cgroup, of whichever version each controller is.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/file.h"
#include "common/result.h"
#include "exporter/cgroup/control_files.h"
#include "exporter/cgroup/known_cgroup.h"
#include "exporter/cgroup/layout.h"
#include "exporter/cgroup/parse_v1.h"
#include "exporter/cgroup/scan.h"
#include "exporter/cgroup/usage.h"

namespace cloudmon::cgroup {

// The directories of Layout::mounts; invalid: not to be opened.
using MountDirs = std::array<UniqueFd, kMaxMounts>;

inline constexpr std::size_t kBlkioFiles = 4;  // of which each cgroup has one or two that count

// Serves one scan. What is given to it must outlive it. One thread at a time.
class UsageReader {
 public:
  // `ticks_per_second`: the unit of cpuacct.stat (USER_HZ). `now_ms`: steady time of the scan.
  UsageReader(const Layout& layout, const MountDirs& mounts, std::uint64_t ticks_per_second, std::int64_t now_ms,
              ControlFiles& files, CgroupScan& scan)
      : layout_(layout),
        mounts_(mounts),
        ticks_per_second_(ticks_per_second),
        now_ms_(now_ms),
        files_(files),
        scan_(scan) {}

  // Looks at the root cgroup: which blkio files count anything at all. The others need not be read for each cgroup.
  void LookAtTop(KnownCgroup& top);

  // ReadPod reads what a pod's series are made of: CPU time, memory, disk and, on v2 (where it counts the containers'),
  // OOM kills. ReadContainer reads all there is of a container, and its live processes. False: the cgroup has gone, and
  // what was read is of no use. Files that are not there leave their values absent; what cannot be read or understood
  // is an error of the scan and absent too.
  [[nodiscard]] bool ReadPod(KnownCgroup& cgroup, Pod& pod);
  [[nodiscard]] bool ReadContainer(KnownCgroup& cgroup, Container& container);

 private:
  enum class Detail : std::uint8_t { kPod, kContainer };
  using Mounted = std::optional<std::size_t>;  // index of a mount, if there is one

  // `below`: "/init.scope"; empty: the cgroup itself.
  void AddError(Error error, std::size_t mount, std::string_view below, const char* name);
  template <class Parser>
  bool Parse(Mounted mount, const char* name, Parser parser);
  template <class Parser>
  void ParseSetting(Mounted mount, const char* name, Parser parser);
  template <class Parser>
  bool ParseFile(Mounted mount, const char* name, KeptFiles* kept, Parser parser);

  [[nodiscard]] bool HasGone() const;
  void ReadUsage(Usage& usage, Detail detail);
  void ReadSettings(Usage& usage);
  void ReadCpuSettings(CpuUsage& cpu);
  void ReadCpu(CpuUsage& cpu, Detail detail);
  void ReadCpuTimesV1(std::size_t mount, CpuUsage& cpu, Detail detail);
  void ReadMemoryV1(std::size_t mount, MemoryUsage& memory, Detail detail);
  void ReadMemoryV2(std::size_t mount, MemoryUsage& memory, Detail detail);
  void ReadBlkio(std::size_t mount, std::vector<DeviceIo>& io, Detail detail);
  std::vector<DeviceIo> ReadBlkioKind(std::size_t mount, v1::BlkioKind kind);
  void ReadThreads(Usage& usage);
  void ReadPressure(std::size_t mount, PressureTotals& pressure);
  void ReadPidsBelow(const std::string& below, int depth, std::vector<std::uint32_t>& pids);

  const Layout& layout_;
  const MountDirs& mounts_;
  const std::uint64_t ticks_per_second_;
  const std::int64_t now_ms_;
  ControlFiles& files_;
  CgroupScan& scan_;
  KnownCgroup* cgroup_ = nullptr;  // the one being read
  bool gone_ = false;              // it went while being read
  int below_left_ = 0;             // how many cgroups below it may still be read
  std::array<bool, kBlkioFiles> blkio_counts_ = {true, true, true, true};
  std::uint64_t errors_ = 0;
};

}  // namespace cloudmon::cgroup
