// SPDX-License-Identifier: Apache-2.0
#include "exporter/join.h"

#include <algorithm>
#include <cstddef>
#include <tuple>
#include <utility>

namespace cloudmon {
namespace {

NamedPod JoinPod(cgroup::Pod pod, const identity::ResolvedPod& who) {
  NamedPod out;
  out.namespace_name = who.identity.namespace_name;
  out.name = who.identity.name;
  out.deployment = who.identity.deployment;
  out.workload = who.identity.workload;
  out.workload_type = who.identity.workload_type;
  out.sandbox_id = who.identity.sandbox_id;
  out.host_network = who.identity.host_network;
  std::vector<cgroup::Container> containers = std::move(pod.containers);
  pod.containers.clear();
  pod.uid = who.identity.uid;
  out.cgroup = std::move(pod);
  for (cgroup::Container& container : containers) {
    const identity::ResolvedContainer* name = who.Find(container.id);
    if (!out.any_pid && !container.pids.empty()) out.any_pid = container.pids.front();
    if (name == nullptr || name->kind == identity::ContainerKind::kHeldBack) continue;
    if (name->kind == identity::ContainerKind::kSandbox) {
      out.sandbox_id = container.id;
      if (!container.pids.empty()) out.pause_pid = container.pids.front();
      continue;
    }
    out.containers.push_back({name->name, name->image, std::move(container)});
  }
  std::sort(out.containers.begin(), out.containers.end(), [](const NamedContainer& a, const NamedContainer& b) {
    return std::tie(a.name, a.cgroup.id) < std::tie(b.name, b.cgroup.id);
  });
  return out;
}

}  // namespace

std::vector<NamedPod> JoinPods(std::vector<cgroup::Pod> pods, const identity::Resolution& who) {
  std::vector<NamedPod> out;
  out.reserve(pods.size());
  for (std::size_t i = 0; i < pods.size(); ++i) {
    if (who.pods[i]->state == identity::PodState::kHeldBack) continue;
    out.push_back(JoinPod(std::move(pods[i]), *who.pods[i]));
  }
  std::sort(out.begin(), out.end(), [](const NamedPod& a, const NamedPod& b) {
    return std::tie(a.namespace_name, a.name, a.cgroup.uid) < std::tie(b.namespace_name, b.name, b.cgroup.uid);
  });
  return out;
}

}  // namespace cloudmon
