// SPDX-License-Identifier: Apache-2.0
// Who a cgroup is, told from its path alone. Pure, safe to call from any thread.
//
//   cgroupfs driver  [/prefix...]/kubepods[/burstable|/besteffort]/pod<uid>/<id>
//   systemd driver   [/prefix...]/[x-]kubepods.slice/[x-]kubepods-burstable.slice/
//                    [x-]kubepods-burstable-pod<uid with _>.slice/cri-containerd-<id>.scope
//
// Guaranteed pods have no directory for their quality of service. <id> is 64 hexadecimal digits, with any runtime's
// prefix (cri-containerd-, crio-, docker-) and .scope or without; crio-conmon- is the runtime's own process, not a
// container.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace cloudmon::cgroup {

enum class Level : std::uint8_t {
  kOutside,    // not below kubepods (also: of no pod, below it)
  kRoot,       // kubepods
  kQos,        // kubepods/burstable
  kPod,        // the pod's own cgroup
  kContainer,  // the container's own cgroup
  kBelow,      // below a container, or in a pod and in none of its containers (then container_id is empty)
};

struct Place {
  Level level = Level::kOutside;
  std::string slice;         // systemd driver: the directory's name without ".slice", with which its children's begin
  std::string qos;           // "guaranteed", "burstable", "besteffort"; empty outside
  std::string pod_uid;       // as in the API: with dashes; a static pod's may be 32 digits without
  std::string container_id;  // 64 hexadecimal digits, lower case

  friend bool operator==(const Place&, const Place&) = default;
};

// Returns the place of the directory `name` in a directory at `parent`: one step of a walk down the tree, which begins
// with Place{} at the root of the hierarchy or of a cgroup namespace.
[[nodiscard]] Place Descend(const Place& parent, std::string_view name);

}  // namespace cloudmon::cgroup
