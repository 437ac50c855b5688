// SPDX-License-Identifier: Apache-2.0
// Pieces of cgroup control files that v1 and v2 share. All parsers here and in parse_v1.h and parse_v2.h are pure and
// safe to call from any thread. They set what they understand and leave the rest as it was; what they return are the
// errors (kParse, naming the key), so that one bad value does not cost the others. Empty text sets nothing and is no
// error.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "common/result.h"
#include "exporter/cgroup/usage.h"

namespace cloudmon::cgroup {

using Errors = std::vector<Error>;

// A key that is looked for, where its value goes, and by what it is multiplied (1000 for microseconds to nanoseconds).
struct Field {
  std::string_view key;
  Value* value;
  std::uint64_t scale = 1;
};

// Parses lines "key value", such as those of memory.stat. Keys may come in any order; unknown ones are skipped.
[[nodiscard]] Errors ParseKeyed(std::string_view text, std::span<const Field> fields);

// Parses a file of one whole number, such as memory.current.
[[nodiscard]] Errors ParseNumber(std::string_view text, Value& value, std::uint64_t scale = 1);

// Parses a file of one whole number or "max", such as memory.max and pids.max.
[[nodiscard]] Errors ParseLimit(std::string_view text, std::optional<Limit>& limit);

// Parses cgroup.procs and appends its process IDs. 0 stands for a process of another PID namespace.
[[nodiscard]] Errors ParsePids(std::string_view text, std::vector<std::uint32_t>& pids);

// Parses "254:16" and returns that device's entry in `io`, made when it is not there; nullptr: not a device number.
[[nodiscard]] DeviceIo* FindDevice(std::string_view number, std::vector<DeviceIo>& io);

// Adds `more` to `value`; absent counts as 0. A sum too large stays at the largest number.
void AddTo(Value& value, std::uint64_t more);

// Memory that cannot be had back easily: usage less inactive file pages, at least 0. Absent when one of them is.
[[nodiscard]] Value WorkingSet(Value usage_bytes, Value inactive_file_bytes);

}  // namespace cloudmon::cgroup
