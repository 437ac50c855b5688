// SPDX-License-Identifier: Apache-2.0
// The files of /proc, text to struct. Pure; safe to call from any thread. Keys and columns that are not known are
// skipped; errors are kParse and name the line. Names come out as valid UTF-8.
// Kernel documents: Documentation/filesystems/proc.rst, Documentation/admin-guide/iostats.rst
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "common/result.h"
#include "exporter/proc/node.h"

namespace cloudmon::proc {

struct CpuStat {
  std::vector<CpuTimes> cpus;
  KernelCounts kernel;
};

// Parses /proc/stat; columns: user nice system idle iowait irq softirq steal guest guest_nice.
//   cpu  20536 0 6060 384247 628 0 99 12 0 0
//   cpu0 9075 0 2521 194018 38 0 33 6 0 0
//   intr 519997 0 44
//   ctxt 1254822
//   btime 1795360000
//   processes 11206
//   procs_running 2
//   procs_blocked 0
// Of intr the first number counts, the sum.
// `ticks_per_second` is USER_HZ, more than 0.
[[nodiscard]] Result<CpuStat> ParseStat(std::string_view text, double ticks_per_second);

// The time in which the CPU did something: user, nice, system, irq and softirq.
[[nodiscard]] double BusySeconds(const CpuTimes& times);

// The memory that is not available to new programs; nullopt where total or available is not known.
[[nodiscard]] Value MemoryInUse(const Meminfo& memory);

// Parses /proc/meminfo. MemAvailable is missing before Linux 3.14.
//   MemTotal:       16303428 kB
[[nodiscard]] Result<Meminfo> ParseMeminfo(std::string_view text);

// Parses /proc/loadavg.
//   0.20 0.18 0.12 1/80 11206
[[nodiscard]] Result<LoadAverage> ParseLoadavg(std::string_view text);

// Parses /proc/diskstats: major, minor and name, then 11 columns (15 since Linux 4.18, 17 since 5.5), of which all
// but the ninth, the requests in flight, are used. A disk that comes twice counts once, as in ParseNetDev. A sector has
// 512 bytes here, whatever the device says.
//   254       0 vda 129667 29693 6487178 36765 28427 29696 3611440 8925 0 10264 46406 6772 55 1272264 557 4253 158
[[nodiscard]] Result<std::vector<Disk>> ParseDiskstats(std::string_view text);

// Parses /proc/PID/net/dev; of an interface that comes twice, as it can where interfaces come and go while the file is
// read, the first counts. A name may hold ':' (an alias, "eth0:1"); the first number may follow the colon at once.
//   Inter-|   Receive                                                |  Transmit
//    face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier ...
//     eth0: 2853544    2306    0    0    0     0          0         0    10110      25    0    0    0     0       0 0
[[nodiscard]] Result<std::vector<NetDevice>> ParseNetDev(std::string_view text);

// Whether a path in /proc/PID/cgroup goes through a directory of that name.
//   4:memory:/kubepods/burstable/pod0d9a4c31-77e2-4b58-8c6d-5e4f3a2b1c0d/e6435f85...
[[nodiscard]] bool HasCgroup(std::string_view text, std::string_view name);

}  // namespace cloudmon::proc
