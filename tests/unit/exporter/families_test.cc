// SPDX-License-Identifier: Apache-2.0
#include "exporter/families.h"

#include <doctest/doctest.h>

#include <set>
#include <string>

#include "exporter/metric_defs.h"
#include "exporter/node_metrics.h"
#include "tests/support/files.h"

using namespace cloudmon;  // NOLINT: a test

namespace {

cgroup::Usage FullUsage() {
  cgroup::Usage u;
  u.cpu = {.usage_ns = 1'500'000'000,
           .user_ns = 1'000'000'000,
           .system_ns = 500'000'000,
           .periods = 10,
           .throttled_periods = 4,
           .throttled_ns = 250'000'000,
           .quota_usec = 50'000,
           .period_usec = 100'000,
           .shares = 512};
  u.memory = {.usage_bytes = 100,
              .working_set_bytes = 90,
              .rss_bytes = 80,
              .cache_bytes = 20,
              .mapped_file_bytes = 5,
              .swap_bytes = 0,
              .max_usage_bytes = 120,
              .page_faults = 7,
              .major_page_faults = 1,
              .limit_bytes = cgroup::Limit{67'108'864},
              .oom_kills = 2};
  u.io = {{.major = 254, .minor = 0, .read_bytes = 4096, .write_bytes = 8192, .reads = 1, .writes = 2},
          {.major = 9, .minor = 1, .read_bytes = 0, .write_bytes = std::nullopt, .reads = 0, .writes = std::nullopt}};
  u.pressure = {1, 2, 3, 4, 5, 6'000'000};
  u.processes = 3;
  u.threads = 5;
  u.threads_max = cgroup::Limit{};
  u.start_time_seconds = 1'700'000'000.25;
  return u;
}

NodeSnapshot FullSnapshot() {
  NodeSnapshot snapshot;
  snapshot.info = {"node-a", "6.1.0", "v2", "containerd://1.6.20"};
  snapshot.device_names[{254, 0}] = "/dev/vda";
  NamedPod pod;
  pod.namespace_name = "shop";
  pod.name = "web-7d9c6b8f5-auej7";
  pod.deployment = pod.workload = "web";
  pod.workload_type = "deployment";
  pod.sandbox_id = "5a";
  pod.pause_pid = 41;
  pod.host_network = false;
  pod.cgroup.uid = "0d9a4c31-77e2-4b58-8c6d-5e4f3a2b1c0d";
  pod.cgroup.qos = "burstable";
  pod.cgroup.cgroup_path = "/kubepods/burstable/pod0d9a4c31-77e2-4b58-8c6d-5e4f3a2b1c0d";
  pod.cgroup.usage = FullUsage();
  cgroup::Container container;
  container.id = "c0ffee";
  container.usage = FullUsage();
  pod.containers.push_back({"app \"one\"\n", "shop/web:1", container});
  pod.network = {{.name = "lo", .receive_bytes = 1}, {.name = "eth0", .receive_bytes = 1656, .transmit_bytes = 612}};
  NamedPod bare;  // nothing but its cgroup is known
  bare.name = bare.cgroup.uid = "e7d6c5b4-a392-4817-b6f5-041322334455";
  bare.host_network = true;
  snapshot.pods = {pod, bare};
  return snapshot;
}

std::string Page(const NodeSnapshot& snapshot, exposition::Format format) {
  std::string page;
  exposition::Writer writer(format, page);
  WritePodFamilies(writer, snapshot);
  WriteNodeFamilies(writer, snapshot);
  writer.Finish();
  return page;
}

}  // namespace

TEST_CASE("a full snapshot in both formats") {
  NodeSnapshot snapshot = FullSnapshot();
  proc::NodeStats node;
  node.cpus = {{.cpu = "0", .user_seconds = 1.5, .system_seconds = 0.25, .idle_seconds = 100, .steal_seconds = 1}};
  node.time_seconds = 1'700'000'100.5;
  node.uname = proc::Uname{"Linux", "6.1.0", "#1 SMP", "x86_64", "(none)"};
  node.kernel = {.boot_time_seconds = 1'700'000'000,
                 .context_switches = 21,
                 .interrupts = 22,
                 .forks = 23,
                 .processes_running = 24,
                 .processes_blocked = 25};
  node.memory = {.total = 1000,
                 .available = 400,
                 .free = 100,
                 .buffers = 1,
                 .cached = 2,
                 .swap_total = 0,
                 .swap_free = 0,
                 .active = 3,
                 .inactive = 4,
                 .slab = 5,
                 .slab_reclaimable = 6,
                 .page_tables = 7,
                 .mapped = 8,
                 .dirty = 9,
                 .writeback = 10,
                 .committed = 11,
                 .anonymous = 12};
  node.load = proc::LoadAverage{0.5, 0.25, 0.125};
  node.disks = {{.major = 254,
                 .minor = 0,
                 .name = "vda",
                 .reads_merged = 31,
                 .read_bytes = 512,
                 .read_time_ms = 32000,
                 .writes_merged = 33,
                 .write_time_ms = 34000,
                 .io_time_ms = 1500,
                 .weighted_io_time_ms = 35000},
                {.major = 254, .minor = 1, .name = "vda1", .read_bytes = 512}};
  node.interfaces = {{.name = "eth0", .receive_bytes = 9}, {.name = "veth1", .receive_bytes = 8}, {.name = "lo"}};
  node.cpu_pressure.some_total_usec = 1'000'000;
  node.file_systems = {{.device = "/dev/vda1",
                        .mount_point = "/",
                        .type = "ext4",
                        .size_bytes = 1000,
                        .free_bytes = 600,
                        .available_bytes = 500,
                        .files = 70,
                        .files_free = 60}};
  snapshot.node = node;
  test::CheckGolden("exporter/families.txt", Page(snapshot, exposition::Format::kText));
  test::CheckGolden("exporter/families.openmetrics.txt", Page(snapshot, exposition::Format::kOpenMetrics));
}

TEST_CASE("what is not known gives no sample") {
  NodeSnapshot snapshot;
  NamedPod pod;
  pod.name = "p";
  pod.containers.push_back({});
  snapshot.pods = {pod};
  const std::string page = Page(snapshot, exposition::Format::kText);
  CHECK(page.find("container_cpu") == std::string::npos);
  CHECK(page.find("container_memory") == std::string::npos);
  CHECK(page.find("container_network") == std::string::npos);
  CHECK(page.find("cloudmon_pod_info{") != std::string::npos);
}

TEST_CASE("metric tables: names, help on one line, counters end in _total") {
  std::set<std::string_view> names;
  auto check = [&](const exposition::MetricDef& def) {
    CAPTURE(def.name);
    CHECK(def.name.find_first_not_of("abcdefghijklmnopqrstuvwxyzMTASFBCDIPRW_0123456789") == std::string_view::npos);
    CHECK(def.name.ends_with("_total") == (def.type == exposition::MetricType::kCounter));
    CHECK(def.help.find('\n') == std::string_view::npos);
    CHECK(def.help.ends_with("."));
    CHECK((names.insert(def.name).second || def.name == "container_memory_failures_total"));
  };
  for (const auto& m : ContainerMetrics()) check(m.def);
  for (const auto& m : PodMetrics()) check(m.def);
  for (const auto& m : DeviceMetrics()) check(m.container);
  for (const auto& m : NodeMemoryMetrics()) check(m.def);
  for (const auto& m : NodeKernelMetrics()) check(m.def);
  for (const auto& m : NodeDiskMetrics()) check(m.def);
  for (const auto& m : InterfaceMetrics()) check(m.node);
  for (const auto& m : InterfaceMetrics()) check(m.pod);
  for (const auto& m : NodePressureMetrics()) check(m.def);
  for (const auto& m : NodeLoadMetrics()) check(m.def);
  for (const auto& m : NodeFileSystemMetrics()) check(m.def);
}
