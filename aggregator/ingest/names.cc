// SPDX-License-Identifier: Apache-2.0
#include "aggregator/ingest/names.h"

#include <algorithm>

namespace cloudmon::ingest {
namespace {

using series::NodeReading;
using series::Usage;

template <class... Places>
constexpr std::uint32_t In(Places... places) {
  return ((1U << static_cast<unsigned>(places)) | ...);
}

constexpr std::uint32_t kDocument = In(Place::kDocument);
constexpr std::uint32_t kNodeData = In(Place::kNodeData);
constexpr std::uint32_t kPod = In(Place::kPod);
constexpr std::uint32_t kEntry = In(Place::kPod, Place::kNamespace, Place::kDeployment);
constexpr std::uint32_t kWithValues = kNodeData | kEntry;

}  // namespace

const std::array<KnownName, kKnownNameCount> kKnownNames{{
    {"timestamp", kDocument, &Fields::timestamp},
    {"node", kDocument, &Fields::node},
    {"node_data", kDocument, Place::kNodeData},
    {"pods", kDocument, Place::kPods},
    {"namespaces", kDocument, Place::kNamespaces},
    {"deployments", kDocument, Place::kDeployments},
    {"pod", kPod, &Fields::pod},
    {"namespace", kEntry, &Fields::ns},
    {"deployment", In(Place::kPod, Place::kDeployment), &Fields::deployment},
    {"uid", kPod, &Fields::uid},
    {"start_time_seconds", kPod, &Fields::start_time_seconds},
    {"cpu_usage_usec", kWithValues, &Usage::cpu_usage_usec},
    {"cpu_millicores", kWithValues, &Usage::cpu_millicores},
    {"cpu_capacity_millicores", kNodeData, &NodeReading::cpu_capacity_millicores},
    {"memory_bytes", kWithValues, &Usage::memory_bytes},
    {"memory_working_set_bytes", kWithValues, &Usage::memory_working_set_bytes},
    {"memory_capacity_bytes", kNodeData, &NodeReading::memory_capacity_bytes},
    {"disk_read_bytes", kWithValues, &Usage::disk_read_bytes},
    {"disk_write_bytes", kWithValues, &Usage::disk_write_bytes},
    {"network_rx_bytes", kWithValues, &Usage::network_rx_bytes},
    {"network_tx_bytes", kWithValues, &Usage::network_tx_bytes},
    {"io_stats", kWithValues, Place::kIoStats},
}};

const KnownName* FindName(Place place, std::string_view name) {
  const auto* found = std::find_if(kKnownNames.begin(), kKnownNames.end(), [&](const KnownName& known) {
    return known.name == name && (known.places & In(place)) != 0;
  });
  return found == kKnownNames.end() ? nullptr : found;
}

std::string KnownUnits(Place place, std::string_view name) {
  std::string units;
  if ((kWithValues & In(place)) == 0) return units;
  for (const std::string_view quantity : {"cpu_", "memory_", "disk_", "network_"}) {
    if (!name.starts_with(quantity)) continue;
    for (const KnownName& known : kKnownNames) {
      if (!known.name.starts_with(quantity) || (known.places & In(place)) == 0) continue;
      units.append(units.empty() ? "known are " : ", ").append(known.name);
    }
  }
  return units;
}

}  // namespace cloudmon::ingest
