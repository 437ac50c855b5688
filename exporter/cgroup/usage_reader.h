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
#include "exporter/cgroup/layout.h"
#include "exporter/cgroup/parse_v1.h"
#include "exporter/cgroup/scan.h"
#include "exporter/cgroup/usage.h"

namespace cloudmon::cgroup {

// A cgroup whose directory is open in each mount that has it.
struct OpenCgroup {
  std::string path;                       // from the hierarchy's root; "" is the root itself
  std::array<UniqueFd, kMaxMounts> dirs;  // parallel to Layout::mounts; invalid: not in that mount
};

inline constexpr std::size_t kBlkioFiles = 4;  // of which each cgroup has one or two that count

// Serves one scan. `layout` and `scan` must outlive it. One thread at a time.
class UsageReader {
 public:
  // `ticks_per_second`: the unit of cpuacct.stat (USER_HZ).
  UsageReader(const Layout& layout, std::uint64_t ticks_per_second, CgroupScan& scan)
      : layout_(layout), ticks_per_second_(ticks_per_second), scan_(scan) {}

  // Looks at the root cgroup: which blkio files count anything at all. The others need not be read for each cgroup.
  void LookAtTop(const OpenCgroup& top);

  // ReadPod reads what a pod's series are made of: CPU time, memory, disk and, on v2 (where it counts the containers'),
  // OOM kills. ReadContainer reads all there is of a container, and its live processes. False: the cgroup has gone, and
  // what was read is of no use. Files that are not there leave their values absent; what cannot be read or understood
  // is an error of the scan and absent too.
  [[nodiscard]] bool ReadPod(const OpenCgroup& cgroup, Pod& pod);
  [[nodiscard]] bool ReadContainer(const OpenCgroup& cgroup, Container& container);

 private:
  enum class Detail : std::uint8_t { kPod, kContainer };
  using Mounted = std::optional<std::size_t>;  // index of a mount, if there is one

  // A directory of the cgroup or below it, and what to call it in messages.
  struct Where {
    int dir_fd;
    std::size_t mount;
    std::string_view below;  // "/init.scope"; empty: the cgroup itself
  };

  Result<std::string_view> Load(const Where& where, const char* name);
  void AddError(Error error, const Where& where, const char* name);
  template <class Parser>
  bool Parse(Mounted mount, const char* name, Parser parser);

  [[nodiscard]] bool HasGone() const;
  void ReadUsage(Usage& usage, Detail detail);
  void ReadCpu(CpuUsage& cpu, Detail detail);
  void ReadCpuTimesV1(std::size_t mount, CpuUsage& cpu, Detail detail);
  void ReadCpuLimitsV1(std::size_t mount, CpuUsage& cpu);
  void ReadMemoryV1(std::size_t mount, MemoryUsage& memory, Detail detail);
  void ReadMemoryV2(std::size_t mount, MemoryUsage& memory, Detail detail);
  void ReadBlkio(std::size_t mount, std::vector<DeviceIo>& io, Detail detail);
  std::vector<DeviceIo> ReadBlkioKind(std::size_t mount, v1::BlkioKind kind);
  void ReadThreads(Usage& usage);
  void ReadPressure(std::size_t mount, PressureTotals& pressure);
  void ReadPidsBelow(const Where& where, int depth, std::vector<std::uint32_t>& pids);

  const Layout& layout_;
  const std::uint64_t ticks_per_second_;
  CgroupScan& scan_;
  const OpenCgroup* cgroup_ = nullptr;  // the one being read
  bool gone_ = false;                   // it went while being read
  int below_left_ = 0;                  // how many cgroups below it may still be read
  std::array<bool, kBlkioFiles> blkio_counts_ = {true, true, true, true};
  std::string buffer_;
};

}  // namespace cloudmon::cgroup
