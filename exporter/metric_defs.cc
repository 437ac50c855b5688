// SPDX-License-Identifier: Apache-2.0
#include "exporter/metric_defs.h"

#include <array>

namespace cloudmon {
namespace {

using cgroup::Usage;
using cgroup::Value;
constexpr auto kCounter = MetricType::kCounter;
constexpr auto kGauge = MetricType::kGauge;

std::optional<double> SecondsFromNs(Value ns) {
  if (!ns) return std::nullopt;
  return static_cast<double>(*ns) / 1e9;
}

std::optional<double> SecondsFromUsec(Value usec) {
  if (!usec) return std::nullopt;
  return static_cast<double>(*usec) / 1e6;
}

// No limit is shown as 0, as cAdvisor does.
Value LimitOrZero(const std::optional<cgroup::Limit>& limit) {
  if (!limit) return std::nullopt;
  return limit->value_or(0);
}

#define CM_WHOLE(expression) [](const Usage& u) -> Value { return expression; }, nullptr
#define CM_REAL(expression) nullptr, [](const Usage& u) -> std::optional<double> { return expression; }

constexpr std::array kContainerMetrics = {
    UsageMetric{{"container_cpu_usage_seconds_total", "CPU time used, user plus system.", kCounter},
                {"cpu.stat usage_usec", "cpuacct.usage"},
                CM_REAL(SecondsFromNs(u.cpu.usage_ns))},
    UsageMetric{{"container_cpu_user_seconds_total", "CPU time used in user mode.", kCounter},
                {"cpu.stat user_usec", "cpuacct.stat user"},
                CM_REAL(SecondsFromNs(u.cpu.user_ns))},
    UsageMetric{{"container_cpu_system_seconds_total", "CPU time used in the kernel.", kCounter},
                {"cpu.stat system_usec", "cpuacct.stat system"},
                CM_REAL(SecondsFromNs(u.cpu.system_ns))},
    UsageMetric{{"container_cpu_cfs_periods_total", "Periods of the CPU quota that have passed.", kCounter},
                {"cpu.stat nr_periods", "cpu.stat nr_periods"},
                CM_WHOLE(u.cpu.periods)},
    UsageMetric{{"container_cpu_cfs_throttled_periods_total", "Periods in which the CPU quota was used up.", kCounter},
                {"cpu.stat nr_throttled", "cpu.stat nr_throttled"},
                CM_WHOLE(u.cpu.throttled_periods)},
    UsageMetric{{"container_cpu_cfs_throttled_seconds_total",
                 "Time that threads waited because the CPU quota was used up.", kCounter},
                {"cpu.stat throttled_usec", "cpu.stat throttled_time"},
                CM_REAL(SecondsFromNs(u.cpu.throttled_ns))},
    UsageMetric{{"container_spec_cpu_quota", "CPU quota in microseconds a period; absent without a quota.", kGauge,
                 "microseconds"},
                {"cpu.max, first number", "cpu.cfs_quota_us"},
                CM_WHOLE(u.cpu.quota_usec)},
    UsageMetric{{"container_spec_cpu_period", "Period of the CPU quota in microseconds.", kGauge, "microseconds"},
                {"cpu.max, second number", "cpu.cfs_period_us"},
                CM_WHOLE(u.cpu.period_usec)},
    UsageMetric{{"container_spec_cpu_shares", "CPU shares (1024 for one requested core).", kGauge},
                {"cpu.weight, converted", "cpu.shares"},
                CM_WHOLE(u.cpu.shares)},
    UsageMetric{{"container_memory_usage_bytes", "Memory in use, page cache included.", kGauge},
                {"memory.current", "memory.usage_in_bytes"},
                CM_WHOLE(u.memory.usage_bytes)},
    UsageMetric{
        {"container_memory_working_set_bytes", "Memory in use less inactive file pages: what the kubelet evicts on.",
         kGauge},
        {"memory.current less memory.stat inactive_file", "memory.usage_in_bytes less memory.stat total_inactive_file"},
        CM_WHOLE(u.memory.working_set_bytes)},
    UsageMetric{{"container_memory_rss", "Anonymous memory in bytes.", kGauge, "bytes"},
                {"memory.stat anon", "memory.stat total_rss"},
                CM_WHOLE(u.memory.rss_bytes)},
    UsageMetric{{"container_memory_cache", "Page cache in bytes.", kGauge, "bytes"},
                {"memory.stat file", "memory.stat total_cache"},
                CM_WHOLE(u.memory.cache_bytes)},
    UsageMetric{{"container_memory_mapped_file", "Mapped file pages in bytes.", kGauge, "bytes"},
                {"memory.stat file_mapped", "memory.stat total_mapped_file"},
                CM_WHOLE(u.memory.mapped_file_bytes)},
    UsageMetric{{"container_memory_swap", "Swap in use in bytes.", kGauge, "bytes"},
                {"memory.swap.current", "memory.stat total_swap"},
                CM_WHOLE(u.memory.swap_bytes)},
    UsageMetric{{"container_memory_max_usage_bytes", "Highest memory use since the container started.", kGauge},
                {"memory.peak (Linux 5.19 and later)", "memory.max_usage_in_bytes"},
                CM_WHOLE(u.memory.max_usage_bytes)},
    UsageMetric{{"container_memory_failures_total", "Page faults, by type.", kCounter},
                {"memory.stat pgfault, pgmajfault", "memory.stat total_pgfault, total_pgmajfault"},
                CM_WHOLE(u.memory.page_faults),
                R"(failure_type="pgfault")"},
    UsageMetric{{"container_memory_failures_total", "Page faults, by type.", kCounter},
                {"memory.stat pgfault, pgmajfault", "memory.stat total_pgfault, total_pgmajfault"},
                CM_WHOLE(u.memory.major_page_faults),
                R"(failure_type="pgmajfault")"},
    UsageMetric{{"container_spec_memory_limit_bytes", "Memory limit; 0 without a limit.", kGauge},
                {"memory.max", "memory.limit_in_bytes"},
                CM_WHOLE(LimitOrZero(u.memory.limit_bytes))},
    UsageMetric{{"container_oom_events_total", "Processes that the kernel killed for lack of memory.", kCounter},
                {"memory.events oom_kill", "memory.oom_control oom_kill"},
                CM_WHOLE(u.memory.oom_kills)},
    UsageMetric{{"container_processes", "Processes, those of nested cgroups included.", kGauge},
                {"cgroup.procs, lines", "cgroup.procs, lines"},
                CM_WHOLE(u.processes)},
    UsageMetric{{"container_threads", "Threads.", kGauge}, {"pids.current", "pids.current"}, CM_WHOLE(u.threads)},
    UsageMetric{{"container_threads_max", "Most threads allowed; 0 without a limit.", kGauge},
                {"pids.max", "pids.max"},
                CM_WHOLE(LimitOrZero(u.threads_max))},
    UsageMetric{{"container_pressure_cpu_waiting_seconds_total", "Time in which some tasks waited for CPU.", kCounter},
                {"cpu.pressure some", "cpu.pressure some, unified mount"},
                CM_REAL(SecondsFromUsec(u.pressure.cpu_waiting_usec))},
    UsageMetric{{"container_pressure_cpu_stalled_seconds_total", "Time in which all tasks waited for CPU.", kCounter},
                {"cpu.pressure full", "cpu.pressure full, unified mount"},
                CM_REAL(SecondsFromUsec(u.pressure.cpu_stalled_usec))},
    UsageMetric{
        {"container_pressure_memory_waiting_seconds_total", "Time in which some tasks waited for memory.", kCounter},
        {"memory.pressure some", "memory.pressure some, unified mount"},
        CM_REAL(SecondsFromUsec(u.pressure.memory_waiting_usec))},
    UsageMetric{
        {"container_pressure_memory_stalled_seconds_total", "Time in which all tasks waited for memory.", kCounter},
        {"memory.pressure full", "memory.pressure full, unified mount"},
        CM_REAL(SecondsFromUsec(u.pressure.memory_stalled_usec))},
    UsageMetric{{"container_pressure_io_waiting_seconds_total", "Time in which some tasks waited for I/O.", kCounter},
                {"io.pressure some", "io.pressure some, unified mount"},
                CM_REAL(SecondsFromUsec(u.pressure.io_waiting_usec))},
    UsageMetric{{"container_pressure_io_stalled_seconds_total", "Time in which all tasks waited for I/O.", kCounter},
                {"io.pressure full", "io.pressure full, unified mount"},
                CM_REAL(SecondsFromUsec(u.pressure.io_stalled_usec))},
    UsageMetric{{"container_start_time_seconds", "Start of the container, Unix time.", kGauge},
                {"mtime of the directory", "mtime of the directory"},
                CM_REAL(u.start_time_seconds)},
};

constexpr std::array kPodMetrics = {
    UsageMetric{{"pod_cpu_usage_seconds_total", "CPU time used by the pod, user plus system.", kCounter},
                {"cpu.stat usage_usec", "cpuacct.usage"},
                CM_REAL(SecondsFromNs(u.cpu.usage_ns))},
    UsageMetric{{"pod_memory_usage_bytes", "Memory in use by the pod, page cache included.", kGauge},
                {"memory.current", "memory.usage_in_bytes"},
                CM_WHOLE(u.memory.usage_bytes)},
    UsageMetric{
        {"pod_memory_working_set_bytes", "Memory in use by the pod less inactive file pages.", kGauge},
        {"memory.current less memory.stat inactive_file", "memory.usage_in_bytes less memory.stat total_inactive_file"},
        CM_WHOLE(u.memory.working_set_bytes)},
    UsageMetric{{"pod_oom_events_total", "Processes of the pod that the kernel killed for lack of memory.", kCounter},
                {"memory.events oom_kill", "memory.oom_control oom_kill of the containers, summed"},
                CM_WHOLE(u.memory.oom_kills)},
};

#undef CM_WHOLE
#undef CM_REAL

constexpr std::array kDeviceMetrics = {
    DeviceMetric{{"container_fs_reads_bytes_total", "Bytes read from the device.", kCounter},
                 {"pod_fs_reads_bytes_total", "Bytes that the pod read from the device.", kCounter},
                 {"io.stat rbytes", "blkio.{bfq,throttle}.io_service_bytes Read"},
                 &cgroup::DeviceIo::read_bytes},
    DeviceMetric{{"container_fs_writes_bytes_total", "Bytes written to the device.", kCounter},
                 {"pod_fs_writes_bytes_total", "Bytes that the pod wrote to the device.", kCounter},
                 {"io.stat wbytes", "blkio.{bfq,throttle}.io_service_bytes Write"},
                 &cgroup::DeviceIo::write_bytes},
    DeviceMetric{{"container_fs_reads_total", "Read operations on the device.", kCounter},
                 {},
                 {"io.stat rios", "blkio.{bfq,throttle}.io_serviced Read"},
                 &cgroup::DeviceIo::reads},
    DeviceMetric{{"container_fs_writes_total", "Write operations on the device.", kCounter},
                 {},
                 {"io.stat wios", "blkio.{bfq,throttle}.io_serviced Write"},
                 &cgroup::DeviceIo::writes},
};

constexpr std::array kSelfMetrics = {
    kCollectionAge,    kCollectorDuration, kCollectorSuccess,     kCollectorErrors, kUnidentifiedPods,
    kIdentitySourceUp, kIdentityRefreshes, kIdentitySourceErrors, kBuildInfo,       kPushDocuments,
    kPushFailures,     kPushQueue,         kPushLastSuccess,
};

}  // namespace

std::span<const SelfMetric> SelfMetrics() {
  return kSelfMetrics;
}
std::span<const UsageMetric> ContainerMetrics() {
  return kContainerMetrics;
}
std::span<const UsageMetric> PodMetrics() {
  return kPodMetrics;
}
std::span<const DeviceMetric> DeviceMetrics() {
  return kDeviceMetrics;
}

}  // namespace cloudmon
