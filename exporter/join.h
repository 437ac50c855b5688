// SPDX-License-Identifier: Apache-2.0
// Joins what was read with who it is. Pure; safe to call from any thread.
#pragma once

#include <vector>

#include "exporter/cgroup/usage.h"
#include "exporter/identity/resolver.h"
#include "exporter/snapshot.h"

namespace cloudmon {

// `who.pods` is parallel to `pods`. Pods and containers that are held back are left out, and so are pause containers,
// whose ID and PID go to the pod. Of several pods, and of several containers of a pod, with the same name only the one
// that started last is there. Sorted by name. Network and OOM kills are left as they are.
[[nodiscard]] std::vector<NamedPod> JoinPods(std::vector<cgroup::Pod> pods, const identity::Resolution& who);

}  // namespace cloudmon
