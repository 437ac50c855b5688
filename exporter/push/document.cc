// SPDX-License-Identifier: Apache-2.0
#include "exporter/push/document.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "common/devices.h"
#include "exporter/proc/devices.h"
#include "exporter/proc/parse.h"

namespace cloudmon::push {
namespace {

using Json = nlohmann::ordered_json;
using Value = std::optional<std::uint64_t>;

// As with a page, a value that is too large to be true is not believed; here it would make the whole document be
// refused.
void Set(Json& out, const char* key, Value value) {
  constexpr std::uint64_t kLimit = 1ULL << 62U;
  if (value && *value < kLimit) out[key] = *value;
}

void Add(Value& sum, Value value) {
  if (value) sum = sum.value_or(0) + *value;
}

Value BusyUsec(const std::vector<proc::CpuTimes>& cpus) {
  if (cpus.empty()) return std::nullopt;
  double seconds = 0;
  for (const proc::CpuTimes& cpu : cpus) seconds += proc::BusySeconds(cpu);
  return static_cast<std::uint64_t>(std::llround(seconds * 1e6));
}

Json NodeData(const proc::NodeStats& node) {
  Value read, written, received, sent;
  for (const proc::Disk& disk : node.disks) {
    if (!proc::IsNodeDisk(disk.name) || IsStackedDisk(disk.name)) continue;
    Add(read, disk.read_bytes);
    Add(written, disk.written_bytes);
  }
  for (const proc::NetDevice& device : node.interfaces) {
    if (!proc::IsNodeInterface(device.name) || IsInnerInterface(device.name)) continue;
    Add(received, device.receive_bytes);
    Add(sent, device.transmit_bytes);
  }
  Json out = Json::object();
  Set(out, "cpu_usage_usec", BusyUsec(node.cpus));
  Set(out, "memory_bytes", proc::MemoryInUse(node.memory));
  Set(out, "memory_working_set_bytes", proc::MemoryInUse(node.memory));
  Set(out, "disk_read_bytes", read);
  Set(out, "disk_write_bytes", written);
  Set(out, "network_rx_bytes", received);
  Set(out, "network_tx_bytes", sent);
  if (!node.cpus.empty()) Set(out, "cpu_capacity_millicores", node.cpus.size() * 1000);
  Set(out, "memory_capacity_bytes", node.memory.total);
  return out;
}

Value UsecFromNs(Value ns) {
  if (!ns) return std::nullopt;
  return *ns / 1000 + (*ns % 1000 >= 500 ? 1 : 0);
}

void SetUsage(Json& out, const NamedPod& pod) {
  const cgroup::Usage& usage = pod.cgroup.usage;
  Value read, written, received, sent;
  for (const cgroup::DeviceIo& io : usage.io) {
    Add(read, io.read_bytes);
    Add(written, io.write_bytes);
  }
  for (const proc::NetDevice& device : pod.network) {
    if (device.name == "lo") continue;
    Add(received, device.receive_bytes);
    Add(sent, device.transmit_bytes);
  }
  Set(out, "cpu_usage_usec", UsecFromNs(usage.cpu.usage_ns));
  Set(out, "memory_bytes", usage.memory.usage_bytes);
  Set(out, "memory_working_set_bytes", usage.memory.working_set_bytes);
  Set(out, "disk_read_bytes", read);
  Set(out, "disk_write_bytes", written);
  Set(out, "network_rx_bytes", received);
  Set(out, "network_tx_bytes", sent);
}

// Of the containers that a page shows.
std::optional<double> StartSeconds(const NamedPod& pod) {
  std::optional<double> earliest;
  for (const NamedContainer& container : pod.containers) {
    const std::optional<double>& start = container.cgroup.usage.start_time_seconds;
    if (start && (!earliest || *start < *earliest)) earliest = start;
  }
  return earliest;
}

// nullopt where there is nothing to say of the pod, or nobody knows its name.
std::optional<Json> PodEntry(const NamedPod& pod) {
  if (pod.name.empty() || pod.namespace_name.empty()) return std::nullopt;
  Json out = {{"pod", pod.name}, {"namespace", pod.namespace_name}};
  if (!pod.deployment.empty()) out["deployment"] = pod.deployment;
  if (!pod.cgroup.uid.empty()) out["uid"] = pod.cgroup.uid;
  if (const auto start = StartSeconds(pod)) out["start_time_seconds"] = *start;
  const std::size_t names = out.size();
  SetUsage(out, pod);
  if (out.size() == names) return std::nullopt;
  return out;
}

}  // namespace

std::string BuildDocument(const NodeSnapshot& snapshot, std::int64_t timestamp_ms) {
  const Json head = {{"timestamp", static_cast<double>(timestamp_ms) / 1e3},
                     {"node", snapshot.info.node},
                     {"node_data", snapshot.node ? NodeData(*snapshot.node) : Json::object()}};
  // Nothing is thrown: strings were made valid UTF-8 where they entered the program.
  std::string out = head.dump();
  out.back() = ',';
  out += R"("pods":[)";
  const char* separator = "";
  // Written one by one: as one tree, hundreds of pods would take a MB for a moment.
  for (const NamedPod& pod : snapshot.pods) {
    const auto entry = PodEntry(pod);
    if (!entry) continue;
    out += separator;
    out += entry->dump();
    separator = ",";
  }
  out += R"(],"namespaces":[],"deployments":[]})";
  return out;
}

}  // namespace cloudmon::push
