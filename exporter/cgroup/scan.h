// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "common/result.h"
#include "exporter/cgroup/usage.h"

namespace cloudmon::cgroup {

// What one pass over all pods found. Not thread-safe.
struct CgroupScan {
  static constexpr std::size_t kMaxErrors = 100;

  std::string version;                              // "v1", "v2", "hybrid"; empty: no cgroup mount was found
  std::vector<Pod> pods;                            // in no order
  std::vector<Error> errors;                        // the first kMaxErrors of them; messages begin with the path
  std::map<ErrorCode, std::uint64_t> error_counts;  // all of them

  void AddError(Error error);
};

}  // namespace cloudmon::cgroup
