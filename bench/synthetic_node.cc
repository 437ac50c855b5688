// SPDX-License-Identifier: Apache-2.0
#include "bench/synthetic_node.h"

#include <algorithm>

#include "common/exposition/writer.h"

namespace cloudmon::bench {
namespace {

using exposition::MetricDef;
using exposition::MetricType;
using exposition::RenderLabels;

constexpr std::uint64_t kPage = 4096;
constexpr std::uint64_t kLeastPages = 1024, kMostPages = 131'072;  // 4 MiB to 512 MiB
constexpr std::uint64_t kPauseCpuUsec = 10'504, kPausePages = 55;  // of the pod and not of its container

std::string Number(std::uint64_t value) {
  return std::to_string(value);
}

std::string Hex(std::mt19937_64& random, int digits) {
  std::string text;
  for (int i = 0; i < digits; ++i) text += "0123456789abcdef"[random() % 16];
  return text;
}

std::string Uid(std::mt19937_64& random) {
  return Hex(random, 8) + "-" + Hex(random, 4) + "-4" + Hex(random, 3) + "-9" + Hex(random, 3) + "-" + Hex(random, 12);
}

}  // namespace

SyntheticNode::SyntheticNode(int number, int nodes, int pods, std::uint64_t seed)
    : node_labels_(RenderLabels({{"node", "node-" + std::to_string(number)},
                                 {"kernel", "6.1.0"},
                                 {"cgroup_version", "v2"},
                                 {"container_runtime", "containerd://1.6.20"}})),
      random_(seed * 1'000'003 + static_cast<std::uint64_t>(number)) {
  const int deployments = std::max(1, nodes * pods / 20);
  for (int i = 0; i < pods; ++i) AddPod(number * pods + i, deployments);
}

void SyntheticNode::AddPod(int index, int deployments) {
  const int deployment = index % deployments;
  const std::string service = "service-" + std::to_string(deployment);
  const std::string uid = Uid(random_);
  Pod pod;
  const std::string identity =
      RenderLabels({{"namespace", "team-" + std::to_string(deployment % std::min(20, deployments))},
                    {"pod", service + "-7d9c6b8f5-" + std::to_string(10'000 + index)}});
  const std::string workload =
      RenderLabels({{"deployment", service}, {"workload", service}, {"workload_type", "deployment"}});
  pod.labels = identity + "," + workload;
  pod.container_labels =
      identity + "," + RenderLabels({{"container", "app"}, {"image", "registry.example/shop/" + service + ":1.27.4"}}) +
      "," + workload;
  pod.info_labels = pod.labels + "," +
                    RenderLabels({{"pod_uid", uid},
                                  {"qos", "burstable"},
                                  {"host_network", "false"},
                                  {"sandbox_id", Hex(random_, 64)},
                                  {"pause_pid", Number(1000 + Below(30'000))},
                                  {"cgroup_path", "/kubepods/burstable/pod" + uid}});
  const std::uint64_t habit = Below(100);
  pod.habit = habit < 50 ? Habit::kIdle : habit < 85 ? Habit::kSteady : Habit::kBursty;
  pod.in_burst = Below(4) == 0;  // as many as later on: see Step
  pod.cpu_usec = kPauseCpuUsec + Below(50'000'000'000);
  pod.memory_pages = kLeastPages + Below(kMostPages / 2);
  pod.cache_pages = Below(pod.memory_pages / 2);
  pod.read_bytes = kPage * Below(200'000);
  pod.written_bytes = kPage * Below(2'000'000);
  pod.rx_bytes = Below(90'000'000'000);
  pod.tx_bytes = Below(90'000'000'000);
  pods_.push_back(std::move(pod));
}

void SyntheticNode::Work(Pod& pod, std::uint64_t cpu_usec, std::uint64_t packets) {
  pod.cpu_usec += cpu_usec / 2 + Below(cpu_usec);
  pod.rx_bytes += 66 * packets + Below(600 * packets);
  pod.tx_bytes += 66 * packets + Below(900 * packets);
}

void SyntheticNode::WalkMemory(Pod& pod, std::uint64_t most_pages) {
  const std::uint64_t step = Below(most_pages);
  const bool grows = Below(2) == 0;
  pod.memory_pages = std::clamp(grows ? pod.memory_pages + step : pod.memory_pages - std::min(step, pod.memory_pages),
                                kLeastPages, kMostPages);
  pod.cache_pages = std::min(pod.cache_pages + Below(2), pod.memory_pages / 2);
}

// One second.
void SyntheticNode::Step() {
  for (Pod& pod : pods_) {
    switch (pod.habit) {
      case Habit::kIdle:  // a probe now and then
        if (Below(10) == 0) Work(pod, 300, 8);
        if (Below(300) == 0) WalkMemory(pod, 4);
        break;
      case Habit::kSteady:
        Work(pod, 20'000, 60);
        if (Below(3) == 0) WalkMemory(pod, 64);
        if (Below(30) == 0) pod.written_bytes += kPage * (1 + Below(20));
        break;
      case Habit::kBursty:  // 20 s in 80
        if (Below(pod.in_burst ? 20 : 60) == 0) pod.in_burst = !pod.in_burst;
        Work(pod, pod.in_burst ? 500'000 : 2'000, pod.in_burst ? 2'000 : 8);
        if (pod.in_burst) {
          WalkMemory(pod, 1024);
          pod.written_bytes += kPage * Below(800);
          if (Below(4) == 0) pod.read_bytes += kPage * Below(100);
        }
        break;
    }
  }
}

std::string SyntheticNode::Page(std::int64_t seconds) {
  for (; second_ < seconds; ++second_) Step();
  std::string page;
  exposition::Writer writer(exposition::Format::kText, page);
  const auto add = [&](std::string_view name, MetricType type, auto labels, std::string_view extra, auto value) {
    writer.Begin({name, "As the exporter's.", type});
    for (const Pod& pod : pods_) writer.Add(pod.*labels, extra, value(pod));
  };
  const auto counter = [&](std::string_view name, std::string_view extra, auto value) {
    add(name, MetricType::kCounter, &Pod::labels, extra, value);
  };
  const auto gauge = [&](std::string_view name, auto labels, auto value) {
    add(name, MetricType::kGauge, labels, "", value);
  };
  const auto seconds_of = [](std::uint64_t usec) { return static_cast<double>(usec) / 1e6; };
  add("container_cpu_usage_seconds_total", MetricType::kCounter, &Pod::container_labels, "",
      [&](const Pod& pod) { return seconds_of(pod.cpu_usec - kPauseCpuUsec); });
  gauge("container_memory_usage_bytes", &Pod::container_labels,
        [](const Pod& pod) { return kPage * (pod.memory_pages - kPausePages); });
  gauge("container_memory_working_set_bytes", &Pod::container_labels,
        [](const Pod& pod) { return kPage * (pod.memory_pages - kPausePages - pod.cache_pages); });
  gauge("container_start_time_seconds", &Pod::container_labels,
        [](const Pod&) { return std::uint64_t{1'795'000'000}; });
  counter("container_network_receive_bytes_total", "interface=\"eth0\"", [](const Pod& pod) { return pod.rx_bytes; });
  counter("container_network_transmit_bytes_total", "interface=\"eth0\"", [](const Pod& pod) { return pod.tx_bytes; });
  counter("pod_cpu_usage_seconds_total", "", [&](const Pod& pod) { return seconds_of(pod.cpu_usec); });
  gauge("pod_memory_usage_bytes", &Pod::labels, [](const Pod& pod) { return kPage * pod.memory_pages; });
  gauge("pod_memory_working_set_bytes", &Pod::labels,
        [](const Pod& pod) { return kPage * (pod.memory_pages - pod.cache_pages); });
  counter("pod_fs_reads_bytes_total", "device=\"/dev/vdb\"", [](const Pod& pod) { return pod.read_bytes; });
  counter("pod_fs_writes_bytes_total", "device=\"/dev/vdb\"", [](const Pod& pod) { return pod.written_bytes; });
  gauge("cloudmon_pod_info", &Pod::info_labels, [](const Pod&) { return std::uint64_t{1}; });
  writer.Begin({"cloudmon_node_info", "As the exporter's.", MetricType::kGauge});
  writer.Add(node_labels_, std::uint64_t{1});
  writer.Finish();
  return page;
}

}  // namespace cloudmon::bench
