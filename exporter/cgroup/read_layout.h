// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "common/result.h"
#include "exporter/cgroup/layout.h"
#include "exporter/roots.h"

namespace cloudmon::cgroup {

// Finds the cgroup mounts: those in the mountinfo of process 1 (that is the node's), else in our own, as far as they
// are there below roots.cgroup; else those that the names in roots.cgroup suggest. Error: kNotFound, naming the
// settings; kDenied. Thread-safe.
[[nodiscard]] Result<Layout> ReadLayout(const Roots& roots);

}  // namespace cloudmon::cgroup
