// SPDX-License-Identifier: Apache-2.0
#include "aggregator/scrape/series_role.h"

#include <algorithm>
#include <array>
#include <initializer_list>

#include "common/devices.h"

namespace cloudmon::scrape {
namespace {

using exposition::Head;

constexpr std::array kMetrics = std::to_array<MetricUse>({
    {"pod_cpu_usage_seconds_total", Scope::kPod, Quantity::kCpuSeconds},
    {"pod_memory_usage_bytes", Scope::kPod, Quantity::kMemoryBytes},
    {"pod_memory_working_set_bytes", Scope::kPod, Quantity::kWorkingSetBytes},
    {"pod_fs_reads_bytes_total", Scope::kPod, Quantity::kDiskReadBytes},
    {"pod_fs_writes_bytes_total", Scope::kPod, Quantity::kDiskWriteBytes},
    {"container_cpu_usage_seconds_total", Scope::kContainer, Quantity::kCpuSeconds},
    {"container_memory_usage_bytes", Scope::kContainer, Quantity::kMemoryBytes},
    {"container_memory_working_set_bytes", Scope::kContainer, Quantity::kWorkingSetBytes},
    {"container_fs_reads_bytes_total", Scope::kContainer, Quantity::kDiskReadBytes},
    {"container_fs_writes_bytes_total", Scope::kContainer, Quantity::kDiskWriteBytes},
    {"container_network_receive_bytes_total", Scope::kContainer, Quantity::kNetworkRxBytes},
    {"container_network_transmit_bytes_total", Scope::kContainer, Quantity::kNetworkTxBytes},
    {"container_start_time_seconds", Scope::kContainer, Quantity::kStartSeconds},
    {"cloudmon_pod_info", Scope::kPodInfo, Quantity::kNothing},
    {"cloudmon_node_info", Scope::kNodeInfo, Quantity::kNothing},
    {"cloudmon_collection_age_seconds", Scope::kNode, Quantity::kAgeSeconds},
    {"node_cpu_usage_seconds_total", Scope::kNode, Quantity::kCpuSeconds},
    {"node_cpu_seconds_total", Scope::kNodeCpu, Quantity::kCpuPartSeconds},
    {"node_memory_MemTotal_bytes", Scope::kNode, Quantity::kMemoryTotalBytes},
    {"node_memory_MemAvailable_bytes", Scope::kNode, Quantity::kMemoryAvailableBytes},
    {"node_memory_working_set_bytes", Scope::kNode, Quantity::kWorkingSetBytes},
    {"node_disk_read_bytes_total", Scope::kNode, Quantity::kDiskReadBytes},
    {"node_disk_written_bytes_total", Scope::kNode, Quantity::kDiskWriteBytes},
    {"node_network_receive_bytes_total", Scope::kNode, Quantity::kNetworkRxBytes},
    {"node_network_transmit_bytes_total", Scope::kNode, Quantity::kNetworkTxBytes},
    {"machine_cpu_cores", Scope::kMachine, Quantity::kCpuCores},
    {"machine_memory_bytes", Scope::kMachine, Quantity::kMemoryTotalBytes},
});

std::string_view FirstOf(const Head& head, std::initializer_list<std::string_view> labels) {
  for (const std::string_view label : labels) {
    if (const std::string_view value = head.Find(label); !value.empty()) return value;
  }
  return {};
}

// Of the node or its root cgroup: whether this device's bytes are counted elsewhere too.
bool IsCountedTwice(Quantity quantity, const Head& head) {
  if (IsNetwork(quantity)) return IsInnerInterface(FirstOf(head, {"device", "interface"}));
  return AddsUp(quantity) && IsStackedDisk(head.Find("device"));
}

void SetPod(const Head& head, SeriesRole& role) {
  role.ns = FirstOf(head, {"namespace", "container_label_io_kubernetes_pod_namespace"});
  role.pod = FirstOf(head, {"pod", "container_label_io_kubernetes_pod_name"});
  role.deployment = head.Find("deployment");
  role.uid = FirstOf(head, {"pod_uid", "container_label_io_kubernetes_pod_uid"});
  if (role.pod.empty()) role.scope = Scope::kIgnored;
}

void SetContainer(const Head& head, SeriesRole& role) {
  if (role.quantity == Quantity::kCpuSeconds) {
    const std::string_view cpu = head.Find("cpu");
    if (!cpu.empty() && cpu != "total") role.quantity = Quantity::kCpuPartSeconds;
  }
  if (head.Find("id") == "/") {
    role.scope = IsCountedTwice(role.quantity, head) ? Scope::kIgnored : Scope::kMachine;
    return;
  }
  SetPod(head, role);
  role.container = FirstOf(head, {"container", "container_label_io_kubernetes_container_name"});
  role.instance = FirstOf(head, {"id", "name"});
  const bool is_pause = role.container == "POD";
  if (is_pause && !IsNetwork(role.quantity)) role.scope = Scope::kIgnored;
  if (IsNetwork(role.quantity) && head.Find("interface") == "lo") role.scope = Scope::kIgnored;
}

void SetNodeCpu(const Head& head, SeriesRole& role) {
  role.cpu = head.Find("cpu");
  const std::string_view mode = head.Find("mode");
  // guest and guest_nice are within user and nice; stolen time was not ours.
  if (mode == "idle" || mode == "iowait" || mode == "steal" || mode.starts_with("guest")) {
    role.quantity = Quantity::kNothing;
  }
}

}  // namespace

const MetricUse* FindMetric(std::string_view name) {
  const auto found = std::ranges::find(kMetrics, name, &MetricUse::name);
  return found == kMetrics.end() ? nullptr : &*found;
}

SeriesRole RoleOf(const MetricUse& use, const Head& head) {
  SeriesRole role;
  role.scope = use.scope;
  role.quantity = use.quantity;
  switch (use.scope) {
    case Scope::kPod:
    case Scope::kPodInfo:
      SetPod(head, role);
      break;
    case Scope::kContainer:
      SetContainer(head, role);
      break;
    case Scope::kNode:
      if (IsCountedTwice(role.quantity, head)) role.scope = Scope::kIgnored;
      break;
    case Scope::kNodeCpu:
      SetNodeCpu(head, role);
      break;
    case Scope::kNodeInfo:
      role.node = head.Find("node");
      break;
    case Scope::kMachine:
    case Scope::kIgnored:
      break;
  }
  return role;
}

bool HasPodSeries(std::string_view body) {
  constexpr std::string_view kStart = "\npod_";
  const auto begins_one = [](std::string_view line) {
    return std::ranges::any_of(kMetrics, [&](const MetricUse& use) {
      return use.scope == Scope::kPod && line.starts_with(use.name) && line.size() > use.name.size() &&
             (line[use.name.size()] == '{' || line[use.name.size()] == ' ');
    });
  };
  if (begins_one(body)) return true;
  for (std::size_t at = body.find(kStart); at != std::string_view::npos; at = body.find(kStart, at + 1)) {
    if (begins_one(body.substr(at + 1))) return true;
  }
  return false;
}

}  // namespace cloudmon::scrape
