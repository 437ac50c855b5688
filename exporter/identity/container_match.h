// SPDX-License-Identifier: Apache-2.0
// Names for container cgroups where the source knows names but no IDs (podlogs). Pure; safe to call from any thread.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cloudmon::identity {

// The name of the container that a process with this /proc/<pid>/mountinfo is in, from the kubelet's bind mount of the
// container's termination log; empty where there is none. `pod_uid` as in the pod's cgroup. Example of a line:
//   812 790 8:1 /var/lib/kubelet/pods/<pod uid>/containers/web/5f3c1a2b /dev/termination-log rw - ext4 /dev/sda1 rw
// Recognised by the fourth field, what is mounted: where it is mounted is the pod's choice.
[[nodiscard]] std::string ContainerNameFromMountinfo(std::string_view mountinfo, std::string_view pod_uid);

// The same for one line; nullopt where the line is any other mount or is malformed.
[[nodiscard]] std::optional<std::string> ParseTerminationLogMount(std::string_view line, std::string_view pod_uid);

// A name of a container, or a container without one, and when it began (Unix time).
struct NamedStart {
  std::string name;
  std::optional<double> seconds;
};

// Gives each of `cgroup_starts` (containers of one pod without a name) one of `names` (names of that pod that no other
// container has), or "". Sure pairings only: one to one, or as many of both and all times known and different, paired
// in the order of their times.
[[nodiscard]] std::vector<std::string> MatchContainerNames(std::span<const std::optional<double>> cgroup_starts,
                                                           std::span<const NamedStart> names);

}  // namespace cloudmon::identity
