// SPDX-License-Identifier: Apache-2.0
// Control files of cgroup v1. What all of these functions have in common is told in parse_common.h. cpuacct.usage,
// memory.usage_in_bytes and their like are single numbers: ParseNumber.
// Kernel documents: Documentation/admin-guide/cgroup-v1/
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "exporter/cgroup/parse_common.h"

namespace cloudmon::cgroup::v1 {

// cpuacct.stat: "user 4125" and "system 2140", in ticks of which `ticks_per_second` (1 or more) are a second.
[[nodiscard]] Errors ParseCpuacctStat(std::string_view text, std::uint64_t ticks_per_second, CpuUsage& cpu);

// cpu.stat: nr_periods, nr_throttled, throttled_time (ns).
[[nodiscard]] Errors ParseCpuStat(std::string_view text, CpuUsage& cpu);

// cpu.cfs_quota_us: microseconds; -1 (no quota) sets nothing.
[[nodiscard]] Errors ParseCfsQuota(std::string_view text, CpuUsage& cpu);

// memory.stat: the total_ keys, which count the cgroups below too. Inactive file pages are not a value of their own but
// part of the working set.
[[nodiscard]] Errors ParseMemoryStat(std::string_view text, MemoryUsage& memory, Value& inactive_file_bytes);

// memory.limit_in_bytes: above 2^62 it means unlimited.
[[nodiscard]] Errors ParseMemoryLimit(std::string_view text, MemoryUsage& memory);

// memory.oom_control: oom_kill (Linux 4.13 and later).
[[nodiscard]] Errors ParseOomControl(std::string_view text, MemoryUsage& memory);

// What a blkio file counts.
enum class BlkioKind : std::uint8_t { kBytes, kOperations };

// blkio.*.io_service_bytes and blkio.*.io_serviced, recursive or not: "8:0 Read 4096", "8:0 Write 0", "8:0 Sync 4096"
// ... and at last "Total 4096". Only Read and Write are taken. A file may hold only "Total 0": then `io` stays as it
// is.
[[nodiscard]] Errors ParseBlkio(std::string_view text, BlkioKind kind, std::vector<DeviceIo>& io);

}  // namespace cloudmon::cgroup::v1
