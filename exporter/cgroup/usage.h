// SPDX-License-Identifier: Apache-2.0
// What one cgroup used, the same for v1 and v2. Counters are raw totals as the kernel gives them, in the finer unit of
// the two versions. nullopt: the file or key is not there, so there is no sample. Pure data.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace cloudmon::cgroup {

using Limit = std::optional<std::uint64_t>;  // nullopt: unlimited ("max")
using Value = std::optional<std::uint64_t>;  // nullopt: not there

struct CpuUsage {
  Value usage_ns, user_ns, system_ns;
  Value periods, throttled_periods, throttled_ns;  // only where a quota is set
  Value quota_usec;                                // only where a quota is set
  Value period_usec;
  Value shares;  // v2: cpu.weight converted
};

struct MemoryUsage {
  Value usage_bytes, working_set_bytes, rss_bytes, cache_bytes, mapped_file_bytes, swap_bytes, max_usage_bytes;
  Value page_faults, major_page_faults;
  std::optional<Limit> limit_bytes;
  Value oom_kills;
};

struct DeviceIo {
  std::uint32_t major = 0, minor = 0;
  Value read_bytes, write_bytes, reads, writes;
};

struct PressureTotals {  // waiting is "some", stalled is "full", in microseconds
  Value cpu_waiting_usec, cpu_stalled_usec, memory_waiting_usec, memory_stalled_usec, io_waiting_usec, io_stalled_usec;
};

struct Usage {
  CpuUsage cpu;
  MemoryUsage memory;
  std::vector<DeviceIo> io;
  PressureTotals pressure;
  Value processes;  // in the cgroup and the cgroups below it
  Value threads;
  std::optional<Limit> threads_max;
  std::optional<double> start_time_seconds;  // Unix time: mtime of the directory, not before boot
};

struct Container {
  std::string id;           // 64 hexadecimal digits
  std::string cgroup_path;  // from the hierarchy's root: "/kubepods/burstable/pod.../..."
  std::vector<std::uint32_t> pids;
  Usage usage;
};

struct Pod {
  std::string uid;  // as in the API: with dashes, or a static pod's config hash
  std::string qos;  // "guaranteed", "burstable", "besteffort"
  std::string cgroup_path;
  Usage usage;  // the pod's own cgroup
  std::vector<Container> containers;
};

}  // namespace cloudmon::cgroup
