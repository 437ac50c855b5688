// SPDX-License-Identifier: Apache-2.0
#include "exporter/families.h"

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "exporter/metric_defs.h"
#include "exporter/node_metrics.h"
#include "exporter/proc/devices.h"
#include "exporter/proc/parse.h"

namespace cloudmon {
namespace {

using exposition::RenderLabels;
using exposition::Writer;

// A cgroup to show with its labels, rendered once for all of its series.
struct Labelled {
  const cgroup::Usage* usage;
  std::string labels;
};

struct RenderedPods {
  std::vector<Labelled> pods;
  std::vector<Labelled> containers;
};

RenderedPods Render(const NodeSnapshot& snapshot) {
  RenderedPods out;
  out.pods.reserve(snapshot.pods.size());
  for (const NamedPod& pod : snapshot.pods) {
    out.pods.push_back({&pod.cgroup.usage, RenderLabels({{"namespace", pod.namespace_name},
                                                         {"pod", pod.name},
                                                         {"deployment", pod.deployment},
                                                         {"workload", pod.workload},
                                                         {"workload_type", pod.workload_type}})});
    for (const NamedContainer& container : pod.containers) {
      out.containers.push_back({&container.cgroup.usage, RenderLabels({{"namespace", pod.namespace_name},
                                                                       {"pod", pod.name},
                                                                       {"container", container.name},
                                                                       {"image", container.image},
                                                                       {"deployment", pod.deployment},
                                                                       {"workload", pod.workload},
                                                                       {"workload_type", pod.workload_type}})});
    }
  }
  return out;
}

void WriteUsage(Writer& writer, std::span<const UsageMetric> metrics, const std::vector<Labelled>& members) {
  std::string_view open;
  for (const UsageMetric& metric : metrics) {
    if (metric.def.name != open) writer.Begin(metric.def);
    open = metric.def.name;
    for (const Labelled& member : members) {
      if (metric.whole != nullptr) {
        if (const auto value = metric.whole(*member.usage)) writer.Add(member.labels, metric.extra_labels, *value);
      } else if (const auto value = metric.real(*member.usage)) {
        writer.Add(member.labels, metric.extra_labels, *value);
      }
    }
  }
}

std::string DeviceLabel(const NodeSnapshot& snapshot, const cgroup::DeviceIo& io) {
  const auto known = snapshot.device_names.find({io.major, io.minor});
  return RenderLabels(
      {{"device", known != snapshot.device_names.end() ? known->second
                                                       : std::to_string(io.major) + ":" + std::to_string(io.minor)}});
}

void WriteDevices(Writer& writer, const NodeSnapshot& snapshot, const MetricDef& def,
                  cgroup::Value cgroup::DeviceIo::*value, const std::vector<Labelled>& members) {
  writer.Begin(def);
  for (const Labelled& member : members) {
    for (const cgroup::DeviceIo& io : member.usage->io) {
      if (io.*value) writer.Add(member.labels, DeviceLabel(snapshot, io), *(io.*value));
    }
  }
}

void WritePodNetwork(Writer& writer, const NodeSnapshot& snapshot, const RenderedPods& rendered) {
  for (const InterfaceMetric& metric : InterfaceMetrics()) {
    writer.Begin(metric.pod);
    for (std::size_t i = 0; i < snapshot.pods.size(); ++i) {
      for (const proc::NetDevice& device : snapshot.pods[i].network) {
        if (device.name == "lo") continue;
        writer.Add(rendered.pods[i].labels, RenderLabels({{"interface", device.name}}), device.*metric.value);
      }
    }
  }
}

void WriteIdentity(Writer& writer, const NodeSnapshot& snapshot, const RenderedPods& rendered) {
  writer.Begin(kPodInfo);
  for (std::size_t i = 0; i < snapshot.pods.size(); ++i) {
    const NamedPod& pod = snapshot.pods[i];
    const std::string host_network = pod.host_network ? (*pod.host_network ? "true" : "false") : "";
    writer.Add(rendered.pods[i].labels,
               RenderLabels({{"pod_uid", pod.cgroup.uid},
                             {"qos", pod.cgroup.qos},
                             {"host_network", host_network},
                             {"sandbox_id", pod.sandbox_id},
                             {"pause_pid", pod.pause_pid ? std::to_string(*pod.pause_pid) : ""},
                             {"cgroup_path", pod.cgroup.cgroup_path}}),
               std::uint64_t{1});
  }
  writer.Begin(kContainerInfo);
  for (const NamedPod& pod : snapshot.pods) {
    for (const NamedContainer& container : pod.containers) {
      writer.Add(RenderLabels({{"namespace", pod.namespace_name},
                               {"pod", pod.name},
                               {"container", container.name},
                               {"container_id", container.cgroup.id},
                               {"image", container.image}}),
                 std::uint64_t{1});
    }
  }
}

void WriteCpu(Writer& writer, const proc::NodeStats& node) {
  writer.Begin(kNodeCpuSeconds.def);
  double used_seconds = 0;
  for (const proc::CpuTimes& cpu : node.cpus) {
    for (const CpuModeMetric& mode : NodeCpuModes()) {
      writer.Add(RenderLabels({{"cpu", cpu.cpu}, {"mode", mode.mode}}), cpu.*mode.seconds);
    }
    used_seconds += proc::BusySeconds(cpu);
  }
  writer.Begin(kNodeCpuUsage.def);
  if (!node.cpus.empty()) writer.Add({}, used_seconds);
}

void WriteUname(Writer& writer, const proc::NodeStats& node, std::string_view name) {
  writer.Begin(kNodeTime.def);
  if (node.time_seconds) writer.Add({}, *node.time_seconds);
  writer.Begin(kNodeUname.def);
  if (!node.uname) return;
  writer.Add(RenderLabels({{"sysname", node.uname->sysname},
                           {"release", node.uname->release},
                           {"version", node.uname->version},
                           {"machine", node.uname->machine},
                           {"nodename", name},
                           {"domainname", node.uname->domain}}),
             std::uint64_t{1});
}

void WriteMemoryAndLoad(Writer& writer, const proc::NodeStats& node) {
  for (const MemoryMetric& metric : NodeMemoryMetrics()) {
    writer.Begin(metric.def);
    if (const auto bytes = node.memory.*metric.value) writer.Add({}, *bytes);
  }
  writer.Begin(kNodeWorkingSet.def);
  if (const auto bytes = proc::MemoryInUse(node.memory)) writer.Add({}, *bytes);
  for (const LoadMetric& metric : NodeLoadMetrics()) {
    writer.Begin(metric.def);
    if (node.load) writer.Add({}, (*node.load).*metric.value);
  }
  for (const PressureMetric& metric : NodePressureMetrics()) {
    writer.Begin(metric.def);
    if (const auto usec = node.*metric.resource.*metric.total_usec) writer.Add({}, static_cast<double>(*usec) / 1e6);
  }
  for (const KernelMetric& metric : NodeKernelMetrics()) {
    writer.Begin(metric.def);
    if (const auto value = node.kernel.*metric.value) writer.Add({}, *value);
  }
}

void WriteDisksAndInterfaces(Writer& writer, const proc::NodeStats& node) {
  for (const DiskMetric& metric : NodeDiskMetrics()) {
    writer.Begin(metric.def);
    for (const proc::Disk& disk : node.disks) {
      if (proc::IsNodeDisk(disk.name)) writer.Add(RenderLabels({{"device", disk.name}}), metric.value(disk));
    }
  }
  for (const InterfaceMetric& metric : InterfaceMetrics()) {
    writer.Begin(metric.node);
    for (const proc::NetDevice& device : node.interfaces) {
      if (proc::IsNodeInterface(device.name)) writer.Add(RenderLabels({{"device", device.name}}), device.*metric.value);
    }
  }
  for (const FileSystemMetric& metric : NodeFileSystemMetrics()) {
    writer.Begin(metric.def);
    for (const proc::FileSystem& fs : node.file_systems) {
      writer.Add(RenderLabels({{"device", fs.device}, {"mountpoint", fs.mount_point}, {"fstype", fs.type}}),
                 fs.*metric.value);
    }
  }
}

}  // namespace

void WritePodFamilies(Writer& writer, const NodeSnapshot& snapshot) {
  const RenderedPods rendered = Render(snapshot);
  WriteUsage(writer, ContainerMetrics(), rendered.containers);
  WriteUsage(writer, PodMetrics(), rendered.pods);
  for (const DeviceMetric& metric : DeviceMetrics()) {
    WriteDevices(writer, snapshot, metric.container, metric.value, rendered.containers);
    if (!metric.pod.name.empty()) WriteDevices(writer, snapshot, metric.pod, metric.value, rendered.pods);
  }
  WritePodNetwork(writer, snapshot, rendered);
  WriteIdentity(writer, snapshot, rendered);
  writer.Begin(kNodeInfo);
  writer.Add(RenderLabels({{"node", snapshot.info.node},
                           {"kernel", snapshot.info.kernel},
                           {"cgroup_version", snapshot.info.cgroup_version},
                           {"container_runtime", snapshot.info.container_runtime}}),
             std::uint64_t{1});
}

void WriteNodeFamilies(Writer& writer, const NodeSnapshot& snapshot) {
  if (!snapshot.node) return;
  WriteUname(writer, *snapshot.node, snapshot.info.node);
  WriteCpu(writer, *snapshot.node);
  WriteMemoryAndLoad(writer, *snapshot.node);
  WriteDisksAndInterfaces(writer, *snapshot.node);
}

}  // namespace cloudmon
