// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "exporter/cgroup/scan.h"

namespace cloudmon::test {

// A scan as text, for golden files and comparison: each cgroup's path, in order, and below it one line a value, "  name
// value". Absent values have no line.
std::string ScanText(const cgroup::CgroupScan& scan);

}  // namespace cloudmon::test
