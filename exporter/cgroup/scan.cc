// SPDX-License-Identifier: Apache-2.0
#include "exporter/cgroup/scan.h"

#include <utility>

namespace cloudmon::cgroup {

void CgroupScan::AddError(Error error) {
  ++error_counts[error.code];
  if (errors.size() < kMaxErrors) errors.push_back(std::move(error));
}

}  // namespace cloudmon::cgroup
