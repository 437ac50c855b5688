// SPDX-License-Identifier: Apache-2.0
// What the running program itself uses, as /proc says.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/result.h"

namespace cloudmon {

// nullopt: could not be read.
struct ProcessStats {
  std::optional<double> cpu_seconds;         // user plus system
  std::optional<double> start_time_seconds;  // Unix time
  std::optional<std::uint64_t> resident_memory_bytes, virtual_memory_bytes;
  std::optional<std::uint64_t> open_fds, max_fds;  // max_fds: the soft limit; nullopt where it is unlimited
};

// Reads the calling process' files below `procfs` ("self/stat", "self/fd", "self/limits" and "stat"). Thread-safe.
[[nodiscard]] ProcessStats ReadProcessStats(const std::string& procfs);

// The fields of /proc/PID/stat that are used here.
struct PidStat {
  std::uint64_t cpu_ticks = 0;    // user plus system, in 1/USER_HZ seconds
  std::uint64_t start_ticks = 0;  // since boot
  std::uint64_t virtual_memory_bytes = 0;
  std::uint64_t resident_pages = 0;
};

// Parses a line such as "7 (a) b) S 1 7 7 0 -1 4194560 ...": the name may hold blanks and parentheses. Error: kParse.
// Pure, thread-safe. Kernel document: Documentation/filesystems/proc.rst, table 1-4
[[nodiscard]] Result<PidStat> ParsePidStat(std::string_view text);

}  // namespace cloudmon
