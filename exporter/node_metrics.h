// SPDX-License-Identifier: Apache-2.0
// The tables of node and network metrics, with node_exporter's and cAdvisor's names.
#pragma once

#include <optional>
#include <span>

#include "common/exposition/writer.h"
#include "exporter/proc/node.h"

namespace cloudmon {

struct MemoryMetric {
  exposition::MetricDef def;
  proc::Value proc::Meminfo::*value;
};
std::span<const MemoryMetric> NodeMemoryMetrics();

struct DiskMetric {
  exposition::MetricDef def;
  double (*value)(const proc::Disk&);
};
std::span<const DiskMetric> NodeDiskMetrics();

// The same counter of an interface under the node's name and under the pod's.
struct InterfaceMetric {
  exposition::MetricDef node, pod;
  std::uint64_t proc::NetDevice::*value;
};
std::span<const InterfaceMetric> InterfaceMetrics();

struct PressureMetric {
  exposition::MetricDef def;
  psi::Pressure proc::NodeStats::*resource;
  std::optional<std::uint64_t> psi::Pressure::*total_usec;
};
std::span<const PressureMetric> NodePressureMetrics();

struct LoadMetric {
  exposition::MetricDef def;
  double proc::LoadAverage::*value;
};
std::span<const LoadMetric> NodeLoadMetrics();

struct FileSystemMetric {
  exposition::MetricDef def;
  std::uint64_t proc::FileSystem::*value;
};
std::span<const FileSystemMetric> NodeFileSystemMetrics();

struct CpuModeMetric {
  std::string_view mode;
  double proc::CpuTimes::*seconds;
};
std::span<const CpuModeMetric> NodeCpuModes();

inline constexpr exposition::MetricDef kNodeCpuSeconds{"node_cpu_seconds_total", "Time the CPUs spent in each mode.",
                                                       exposition::MetricType::kCounter};
inline constexpr exposition::MetricDef kNodeCpuUsage{
    "node_cpu_usage_seconds_total", "CPU time used on the node, all CPUs.", exposition::MetricType::kCounter};
inline constexpr exposition::MetricDef kNodeWorkingSet{
    "node_memory_working_set_bytes", "Memory of the node that is not available: total less available.",
    exposition::MetricType::kGauge};
inline constexpr exposition::MetricDef kNodeBootTime{"node_boot_time_seconds", "Start of the node, Unix time.",
                                                     exposition::MetricType::kGauge};

}  // namespace cloudmon
