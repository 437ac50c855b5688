// SPDX-License-Identifier: Apache-2.0
// Control files of cgroup v2. What all of these functions have in common is told in parse_common.h.
// Kernel document: Documentation/admin-guide/cgroup-v2.rst
#pragma once

#include <string_view>
#include <vector>

#include "exporter/cgroup/parse_common.h"

namespace cloudmon::cgroup::v2 {

// cpu.stat: "usage_usec 7775700" and so on. nr_periods and the throttling keys are set too, though they mean something
// only where there is a quota: the reader removes them elsewhere.
[[nodiscard]] Errors ParseCpuStat(std::string_view text, CpuUsage& cpu);

// cpu.max: "50000 100000" (quota and period in microseconds) or "max 100000".
[[nodiscard]] Errors ParseCpuMax(std::string_view text, CpuUsage& cpu);

// cpu.weight: 1 to 10000, or 0 for an idle cgroup; set as cpu.shares (2 to 262144). The kubelet writes
// weight = 1 + (shares - 2) * 9999 / 262142, of which this is the inverse, as its own reading back is. Runtimes of 2025
// and later may write by a quadratic formula instead; the weight does not tell which one it was.
[[nodiscard]] Errors ParseCpuWeight(std::string_view text, CpuUsage& cpu);

// memory.stat. Inactive file pages are not a value of their own but part of the working set.
[[nodiscard]] Errors ParseMemoryStat(std::string_view text, MemoryUsage& memory, Value& inactive_file_bytes);

// memory.events: oom_kill.
[[nodiscard]] Errors ParseMemoryEvents(std::string_view text, MemoryUsage& memory);

// io.stat: "254:16 rbytes=7014400 wbytes=0 rios=109 wios=0 dbytes=0 dios=0". Devices come in any order, a line may hold
// a device number only or several of them (the kernel leaves out newlines), unknown keys are skipped, lines of the same
// device are added up. A device without a known key is left out.
[[nodiscard]] Errors ParseIoStat(std::string_view text, std::vector<DeviceIo>& io);

}  // namespace cloudmon::cgroup::v2
