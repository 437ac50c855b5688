// SPDX-License-Identifier: Apache-2.0
#include "exporter/join.h"

#include <algorithm>
#include <cstddef>
#include <tuple>
#include <utility>

namespace cloudmon {
namespace {

// Kept as the pod's for its network, in the order in which they are to be asked.
void AddProcess(const cgroup::Container& container, bool is_pause, std::vector<PodProcess>& processes) {
  if (container.pids.empty()) return;
  PodProcess process{container.pids.front(), container.cgroup_path};
  processes.insert(is_pause ? processes.begin() : processes.end(), std::move(process));
}

void TakeEarlier(std::optional<double>& earliest, const std::optional<double>& seconds) {
  if (seconds && (!earliest || *seconds < *earliest)) earliest = seconds;
}

// Old containers and pods can be there beside the new ones of the same name: a restarted container whose cgroup still
// ends, a pod deleted by force whose name a StatefulSet has given again. Their series would be the same, and a page
// must not have one twice: of each name the one that started last is kept. `name` and `id` give what to tell them by.
template <class Item, class Name, class Start, class Id>
void SortAndKeepNewest(std::vector<Item>& items, Name name, Start start, Id id) {
  std::sort(items.begin(), items.end(), [&](const Item& a, const Item& b) {
    return std::forward_as_tuple(name(a), start(b), id(a)) < std::forward_as_tuple(name(b), start(a), id(b));
  });
  const auto same = [&](const Item& a, const Item& b) { return name(a) == name(b); };
  items.erase(std::unique(items.begin(), items.end(), same), items.end());
}

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
    const bool is_pause = name != nullptr && name->kind == identity::ContainerKind::kSandbox;
    AddProcess(container, is_pause, out.processes);
    TakeEarlier(out.start_time_seconds, container.usage.start_time_seconds);
    if (name == nullptr || name->kind == identity::ContainerKind::kHeldBack) continue;
    if (is_pause) {
      out.sandbox_id = container.id;
      if (!container.pids.empty()) out.pause_pid = container.pids.front();
      continue;
    }
    out.containers.push_back({name->name, name->image, std::move(container)});
  }
  SortAndKeepNewest(
      out.containers, [](const NamedContainer& c) -> const auto& { return c.name; },
      [](const NamedContainer& c) -> const auto& { return c.cgroup.usage.start_time_seconds; },
      [](const NamedContainer& c) -> const auto& { return c.cgroup.id; });
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
  SortAndKeepNewest(
      out, [](const NamedPod& pod) { return std::tie(pod.namespace_name, pod.name); },
      [](const NamedPod& pod) -> const auto& { return pod.start_time_seconds; },
      [](const NamedPod& pod) { return std::tie(pod.cgroup.uid, pod.cgroup.cgroup_path); });
  return out;
}

}  // namespace cloudmon
