// SPDX-License-Identifier: Apache-2.0
#include "aggregator/series/model.h"

namespace cloudmon::series {

std::string_view KindName(Kind kind) {
  switch (kind) {
    case Kind::kNode:
      return "node";
    case Kind::kPod:
      return "pod";
    case Kind::kNamespace:
      return "namespace";
    case Kind::kDeployment:
      return "deployment";
    case Kind::kCluster:
      return "cluster";
  }
  return "unknown";
}

// In the enum's order, so that a field is its own index: InfoOf() relies on it and a test checks it.
const std::array<FieldInfo, kFieldCount> kFields{{
    {Field::kCpuMillicores, "cpu_millicores", FieldClass::kGauge},
    {Field::kCpuUsageUsec, "cpu_usage_usec", FieldClass::kTotal},
    {Field::kMemoryBytes, "memory_bytes", FieldClass::kGauge},
    {Field::kMemoryWorkingSetBytes, "memory_working_set_bytes", FieldClass::kGauge},
    {Field::kDiskReadBytes, "disk_read_bytes", FieldClass::kTotal},
    {Field::kDiskWriteBytes, "disk_write_bytes", FieldClass::kTotal},
    {Field::kNetworkRxBytes, "network_rx_bytes", FieldClass::kTotal},
    {Field::kNetworkTxBytes, "network_tx_bytes", FieldClass::kTotal},
    {Field::kDiskReadRate, "disk_read_bytes_per_second", FieldClass::kRate},
    {Field::kDiskWriteRate, "disk_write_bytes_per_second", FieldClass::kRate},
    {Field::kNetworkRxRate, "network_rx_bytes_per_second", FieldClass::kRate},
    {Field::kNetworkTxRate, "network_tx_bytes_per_second", FieldClass::kRate},
    {Field::kPods, "pods", FieldClass::kGauge},
    {Field::kNodes, "nodes", FieldClass::kGauge},
    {Field::kNodesMissing, "nodes_missing", FieldClass::kGauge},
    {Field::kCpuCapacityMillicores, "cpu_capacity_millicores", FieldClass::kGauge},
    {Field::kMemoryCapacityBytes, "memory_capacity_bytes", FieldClass::kGauge},
}};

const FieldInfo& InfoOf(Field field) {
  return kFields[static_cast<std::size_t>(field)];
}

std::optional<Field> FieldByName(std::string_view name) {
  for (const FieldInfo& info : kFields) {
    if (info.name == name) return info.field;
  }
  return std::nullopt;
}

}  // namespace cloudmon::series
