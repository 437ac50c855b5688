// SPDX-License-Identifier: Apache-2.0
#include "common/exposition/process_metrics.h"

namespace cloudmon::exposition {
namespace {

constexpr MetricDef kMetrics[] = {
    {"process_cpu_seconds_total", "CPU time used by this program, user plus system.", MetricType::kCounter},
    {"process_start_time_seconds", "Unix time at which this program started.", MetricType::kGauge},
    {"process_resident_memory_bytes", "Resident memory of this program.", MetricType::kGauge},
    {"process_virtual_memory_bytes", "Virtual memory of this program.", MetricType::kGauge},
    {"process_open_fds", "Open file descriptors of this program.", MetricType::kGauge},
    {"process_max_fds", "Largest number of file descriptors that this program may open.", MetricType::kGauge},
};

}  // namespace

std::span<const MetricDef> ProcessMetrics() {
  return kMetrics;
}

void WriteProcessMetrics(Writer& writer, const ProcessStats& stats) {
  const auto* def = kMetrics;
  const auto write = [&](const auto& value) {
    writer.Begin(*def++);
    if (value) writer.Add({}, *value);
  };
  write(stats.cpu_seconds);
  write(stats.start_time_seconds);
  write(stats.resident_memory_bytes);
  write(stats.virtual_memory_bytes);
  write(stats.open_fds);
  write(stats.max_fds);
}

}  // namespace cloudmon::exposition
