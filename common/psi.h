// SPDX-License-Identifier: Apache-2.0
// Pressure stall information: /proc/pressure/{cpu,memory,io} of a node and {cpu,memory,io}.pressure of a cgroup.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "common/result.h"

namespace cloudmon::psi {

// Running totals in microseconds; nullopt: the file does not say (a node's cpu file has no "full" before Linux 5.13).
struct Pressure {
  std::optional<std::uint64_t> some_total_usec;  // at least one task waited
  std::optional<std::uint64_t> full_total_usec;  // all tasks waited at once
};

// Parses a pressure file:
//   some avg10=0.06 avg60=0.21 avg300=0.99 total=8537362
//   full avg10=0.00 avg60=0.00 avg300=0.04 total=1034
// Keys may come in any order; unknown lines and keys are skipped; the averages are not read. Error: kParse naming the
// line whose total is not a whole number. Pure, thread-safe.
// Kernel document: Documentation/accounting/psi.rst
[[nodiscard]] Result<Pressure> ParsePressure(std::string_view text);

}  // namespace cloudmon::psi
