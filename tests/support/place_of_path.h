// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "exporter/cgroup/cgroup_path.h"

namespace cloudmon::test {

// Returns the place of a whole path, a step for each directory: a path below a mount, or a line of /proc/PID/cgroup
// after its second colon.
inline cgroup::Place PlaceOfPath(std::string_view path) {
  cgroup::Place place;
  while (!path.empty()) {
    const auto slash = path.find('/');
    const std::string_view name = path.substr(0, slash);
    path = slash == std::string_view::npos ? std::string_view{} : path.substr(slash + 1);
    if (!name.empty()) place = cgroup::Descend(place, name);
  }
  return place;
}

}  // namespace cloudmon::test
