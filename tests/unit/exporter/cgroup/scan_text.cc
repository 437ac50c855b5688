// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/exporter/cgroup/scan_text.h"

#include <algorithm>
#include <vector>

#include "common/text.h"

namespace cloudmon::test {
namespace {

using namespace cloudmon::cgroup;

class Lines {
 public:
  Lines(std::string& out, const std::string& path) : out_(out) { out_ += path + "\n"; }

  void Add(const std::string& name, const std::string& value) { out_ += "  " + name + " " + value + "\n"; }
  void Add(const std::string& name, Value value) {
    if (value) Add(name, std::to_string(*value));
  }
  void Add(const std::string& name, const std::optional<Limit>& limit) {
    if (limit) Add(name, *limit ? std::to_string(**limit) : "unlimited");
  }

 private:
  std::string& out_;
};

void AddCpu(Lines& lines, const CpuUsage& cpu) {
  lines.Add("cpu.usage_ns", cpu.usage_ns);
  lines.Add("cpu.user_ns", cpu.user_ns);
  lines.Add("cpu.system_ns", cpu.system_ns);
  lines.Add("cpu.periods", cpu.periods);
  lines.Add("cpu.throttled_periods", cpu.throttled_periods);
  lines.Add("cpu.throttled_ns", cpu.throttled_ns);
  lines.Add("cpu.quota_usec", cpu.quota_usec);
  lines.Add("cpu.period_usec", cpu.period_usec);
  lines.Add("cpu.shares", cpu.shares);
}

void AddMemory(Lines& lines, const MemoryUsage& memory) {
  lines.Add("memory.usage_bytes", memory.usage_bytes);
  lines.Add("memory.working_set_bytes", memory.working_set_bytes);
  lines.Add("memory.rss_bytes", memory.rss_bytes);
  lines.Add("memory.cache_bytes", memory.cache_bytes);
  lines.Add("memory.mapped_file_bytes", memory.mapped_file_bytes);
  lines.Add("memory.swap_bytes", memory.swap_bytes);
  lines.Add("memory.max_usage_bytes", memory.max_usage_bytes);
  lines.Add("memory.page_faults", memory.page_faults);
  lines.Add("memory.major_page_faults", memory.major_page_faults);
  lines.Add("memory.limit_bytes", memory.limit_bytes);
  lines.Add("memory.oom_kills", memory.oom_kills);
}

void AddUsage(Lines& lines, const Usage& usage) {
  AddCpu(lines, usage.cpu);
  AddMemory(lines, usage.memory);
  for (const DeviceIo& device : usage.io) {
    const std::string name = "io." + std::to_string(device.major) + ":" + std::to_string(device.minor);
    lines.Add(name + ".read_bytes", device.read_bytes);
    lines.Add(name + ".write_bytes", device.write_bytes);
    lines.Add(name + ".reads", device.reads);
    lines.Add(name + ".writes", device.writes);
  }
  const PressureTotals& pressure = usage.pressure;
  lines.Add("pressure.cpu_waiting_usec", pressure.cpu_waiting_usec);
  lines.Add("pressure.cpu_stalled_usec", pressure.cpu_stalled_usec);
  lines.Add("pressure.memory_waiting_usec", pressure.memory_waiting_usec);
  lines.Add("pressure.memory_stalled_usec", pressure.memory_stalled_usec);
  lines.Add("pressure.io_waiting_usec", pressure.io_waiting_usec);
  lines.Add("pressure.io_stalled_usec", pressure.io_stalled_usec);
  lines.Add("processes", usage.processes);
  lines.Add("threads", usage.threads);
  lines.Add("threads_max", usage.threads_max);
  if (usage.start_time_seconds) {
    std::string seconds;
    text::AppendNumber(seconds, *usage.start_time_seconds);
    lines.Add("start_time_seconds", seconds);
  }
}

}  // namespace

std::string ScanText(const CgroupScan& scan) {
  std::string out = "version " + scan.version + "\n";
  std::vector<Pod> pods = scan.pods;
  std::ranges::sort(pods, {}, &Pod::cgroup_path);
  for (Pod& pod : pods) {
    Lines of_pod(out, pod.cgroup_path);
    of_pod.Add("uid", pod.uid);
    of_pod.Add("qos", pod.qos);
    AddUsage(of_pod, pod.usage);
    std::ranges::sort(pod.containers, {}, &Container::cgroup_path);
    for (const Container& container : pod.containers) {
      Lines of_container(out, container.cgroup_path);
      of_container.Add("id", container.id);
      std::string pids;
      for (const std::uint32_t pid : container.pids) pids += (pids.empty() ? "" : ",") + std::to_string(pid);
      if (!pids.empty()) of_container.Add("pids", pids);
      AddUsage(of_container, container.usage);
    }
  }
  for (const Error& error : scan.errors)
    out += "error " + std::string(ErrorCodeName(error.code)) + " " + error.message + "\n";
  return out;
}

}  // namespace cloudmon::test
