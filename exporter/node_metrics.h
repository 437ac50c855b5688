// SPDX-License-Identifier: Apache-2.0
// The tables of node and network metrics, with node_exporter's and cAdvisor's names. A source is a file below /proc and
// what in it, for the documentation.
#pragma once

#include <optional>
#include <span>

#include "common/exposition/writer.h"
#include "exporter/proc/node.h"

namespace cloudmon {

struct MemoryMetric {
  exposition::MetricDef def;
  std::string_view source;
  proc::Value proc::Meminfo::*value;
};
std::span<const MemoryMetric> NodeMemoryMetrics();

struct KernelMetric {
  exposition::MetricDef def;
  std::string_view source;
  proc::Value proc::KernelCounts::*value;
};
std::span<const KernelMetric> NodeKernelMetrics();

struct DiskMetric {
  exposition::MetricDef def;
  std::string_view source;
  double (*value)(const proc::Disk&);
};
std::span<const DiskMetric> NodeDiskMetrics();

// The same counter of an interface under the node's name and under the pod's.
struct InterfaceMetric {
  exposition::MetricDef node, pod;
  std::string_view source;  // the node's below 1/, a pod's below PID/
  std::uint64_t proc::NetDevice::*value;
};
std::span<const InterfaceMetric> InterfaceMetrics();

struct PressureMetric {
  exposition::MetricDef def;
  std::string_view source;
  psi::Pressure proc::NodeStats::*resource;
  std::optional<std::uint64_t> psi::Pressure::*total_usec;
};
std::span<const PressureMetric> NodePressureMetrics();

struct LoadMetric {
  exposition::MetricDef def;
  std::string_view source;
  double proc::LoadAverage::*value;
};
std::span<const LoadMetric> NodeLoadMetrics();

struct FileSystemMetric {
  exposition::MetricDef def;
  std::string_view source;
  std::uint64_t proc::FileSystem::*value;
};
std::span<const FileSystemMetric> NodeFileSystemMetrics();

struct CpuModeMetric {
  std::string_view mode;
  double proc::CpuTimes::*seconds;
};
std::span<const CpuModeMetric> NodeCpuModes();

// Those that are no plain member of NodeStats.
struct NodeMetric {
  exposition::MetricDef def;
  std::string_view source;
};
inline constexpr NodeMetric kNodeCpuSeconds{
    {"node_cpu_seconds_total", "Time the CPUs spent in each mode.", exposition::MetricType::kCounter}, "stat cpuN"};
inline constexpr NodeMetric kNodeCpuUsage{
    {"node_cpu_usage_seconds_total", "CPU time used on the node, all CPUs.", exposition::MetricType::kCounter},
    "stat cpuN: user, nice, system, irq, softirq"};
inline constexpr NodeMetric kNodeTime{
    {"node_time_seconds", "Unix time when the node was read.", exposition::MetricType::kGauge}, "clock"};
inline constexpr NodeMetric kNodeUname{
    {"node_uname_info", "Name of the system and its kernel; always 1.", exposition::MetricType::kGauge},
    "sys/kernel: ostype, osrelease, version, arch (Linux 6.1 and later), domainname; --node.name"};
inline constexpr NodeMetric kNodeWorkingSet{
    {"node_memory_working_set_bytes", "Memory of the node that is not available: total less available.",
     exposition::MetricType::kGauge},
    "meminfo MemTotal less MemAvailable"};

}  // namespace cloudmon
