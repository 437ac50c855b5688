// SPDX-License-Identifier: Apache-2.0
#include "exporter/collector.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/exposition/parser.h"
#include "exporter/identity/process_probe.h"
#include "tests/support/fake_clock.h"
#include "tests/support/files.h"
#include "tests/support/recorded_tree.h"
#include "tests/unit/exporter/cgroup/v1_tree.h"

using namespace cloudmon;  // NOLINT: a test

namespace {

constexpr std::int64_t kNowMs = 1'800'000'000'000;

// Names one pod of the recorded nodes as a runtime would; the others stay unknown.
class OnePod final : public identity::Source {
 public:
  [[nodiscard]] std::string_view name() const override { return "cri"; }
  Result<std::vector<identity::PodIdentity>> Fetch() override {
    identity::PodIdentity pod;
    pod.uid = "6f1b7c9e-2d34-4f0a-9b1e-0a1b2c3d4e5f";
    pod.namespace_name = "shop";
    pod.name = "burner-7d9c6b8f5-auej7";
    pod.deployment = pod.workload = "burner";
    pod.workload_type = "deployment";
    return std::vector{pod};
  }
};

ExporterConfig ConfigFor(const Roots& roots) {
  ExporterConfig config;
  config.node_name = "recorded";
  config.roots = roots;
  config.collectors.filesystem = false;  // would show this machine's
  config.collectors.self = false;
  return config;
}

void CheckNoSeriesTwice(const std::string& page) {
  std::set<std::string, std::less<>> heads;
  exposition::ParsePage(page, exposition::Format::kText, {}, [&](const exposition::Sample& sample) {
    CAPTURE(sample.head);
    CHECK(heads.emplace(sample.head).second);
  });
}

std::string PageOf(const std::string& node, exposition::Format format) {
  const Roots roots = test::RecordedRoots(node);
  const identity::ProcessProbe probe(roots.procfs);
  test::FakeClock clock(kNowMs);
  std::vector<std::unique_ptr<identity::Source>> sources;
  sources.push_back(std::make_unique<OnePod>());
  Collector collector(ConfigFor(roots), std::move(sources), probe, clock);
  (void)collector.Page(format);
  clock.Advance(identity::kHoldBackMs);  // pods that nobody names are shown from here on
  return collector.Page(format);
}

}  // namespace

TEST_CASE("the whole page of each recorded node") {
  for (const char* node : {"systemd", "cgroupfs", "systemd-6.12"}) {
    CAPTURE(node);
    const std::string page = PageOf(node, exposition::Format::kText);
    test::CheckGolden("exporter/" + std::string(node) + ".txt", page);
    CheckNoSeriesTwice(page);
  }
  test::CheckGolden("exporter/systemd.openmetrics.txt", PageOf("systemd", exposition::Format::kOpenMetrics));
}

TEST_CASE("a page soon after the last is made from the same pass") {
  const test::TempDir dir;
  const Roots roots{.procfs = dir.path(), .cgroup = dir.path(), .rootfs = dir.path(), .podlogs = dir.path()};
  dir.Write("loadavg", "1.00 2.00 3.00 1/100 1000\n");
  const identity::ProcessProbe probe(roots.procfs);
  test::FakeClock clock(kNowMs);
  Collector collector(ConfigFor(roots), {}, probe, clock);
  CHECK(collector.Page(exposition::Format::kText).find("node_load1 1\n") != std::string::npos);
  dir.Write("loadavg", "4.00 2.00 3.00 1/100 1000\n");
  CHECK(collector.Page(exposition::Format::kText).find("cloudmon_collection_age_seconds 0\n") != std::string::npos);
  clock.Advance(Collector::kShareMs - 1);
  const std::string shared = collector.Page(exposition::Format::kText);
  CHECK(shared.find("node_load1 1\n") != std::string::npos);
  CHECK(shared.find("cloudmon_collection_age_seconds 0.499\n") != std::string::npos);
  clock.Advance(1);
  CHECK(collector.Page(exposition::Format::kText).find("node_load1 4\n") != std::string::npos);
}

TEST_CASE("what cannot be read is counted and hides nothing else") {
  const test::TempDir dir;
  const Roots roots{.procfs = dir.path(), .cgroup = dir.path(), .rootfs = dir.path(), .podlogs = dir.path()};
  dir.Write("loadavg", "garbage\n");
  dir.Write("meminfo", "MemTotal: 10 kB\n");
  const identity::ProcessProbe probe(roots.procfs);
  test::FakeClock clock(kNowMs);
  Collector collector(ConfigFor(roots), {}, probe, clock);
  const std::string page = collector.Page(exposition::Format::kText);
  CHECK(page.find("node_load1") == std::string::npos);
  CHECK(page.find("node_memory_MemTotal_bytes 10240\n") != std::string::npos);
  CHECK(page.find(R"(cloudmon_collector_errors_total{collector="node",reason="parse"} 1)") != std::string::npos);
  CHECK(page.find(R"(cloudmon_collector_success{collector="node"} 0)") != std::string::npos);
  dir.Write("loadavg", "1.00 2.00 3.00 1/100 1000\n");
  clock.Advance(Collector::kShareMs);
  CHECK(collector.Page(exposition::Format::kText).find(R"(cloudmon_collector_success{collector="node"} 1)") !=
        std::string::npos);
}

namespace {

// Names the pod of a V1Tree and says, unless told otherwise, that it has a network of its own.
class TreePod final : public identity::Source {
 public:
  explicit TreePod(std::optional<bool> host_network = false) : host_network_(host_network) {}
  [[nodiscard]] std::string_view name() const override { return "cri"; }
  Result<std::vector<identity::PodIdentity>> Fetch() override {
    identity::PodIdentity pod;
    pod.uid = test::kUid;
    pod.namespace_name = "shop";
    pod.name = "web-1";
    pod.host_network = host_network_;
    return std::vector{pod};
  }

 private:
  std::optional<bool> host_network_;
};

std::string PageOf(const test::V1Tree& tree) {
  const identity::ProcessProbe probe(tree.roots().procfs);
  test::FakeClock clock(kNowMs);
  std::vector<std::unique_ptr<identity::Source>> sources;
  sources.push_back(std::make_unique<TreePod>());
  Collector collector(ConfigFor(tree.roots()), std::move(sources), probe, clock);
  (void)collector.Page(exposition::Format::kText);
  clock.Advance(identity::kHoldBackMs);  // containers that nobody names are shown from here on
  return collector.Page(exposition::Format::kText);
}

std::string NetDev(int received) {
  return "  eth0: " + std::to_string(received) + " 1 0 0 0 0 0 0 5 1 0 0 0 0 0 0\n";
}

const char* const kReceived = R"(container_network_receive_bytes_total{namespace="shop",pod="web-1",)"
                              R"(deployment="",workload="",workload_type="",interface="eth0"} )";

}  // namespace

TEST_CASE("a process whose number is another's by now does not show its network as the pod's") {
  const test::V1Tree tree;
  tree.Container("memory", "cgroup.procs", "");  // it is in a cgroup below, of which no file is kept to ask again
  tree.Container("memory", "init.scope/cgroup.procs", "42\n");
  tree.Proc("42/net/dev", NetDev(7));
  tree.Proc("42/cgroup", "4:memory:/system.slice/cron.service\n");
  CHECK(PageOf(tree).find("container_network_receive_bytes_total") == std::string::npos);
  tree.Proc("42/cgroup", "4:memory:" + test::kContainerPath + "/init.scope\n");
  CHECK(PageOf(tree).find(kReceived + std::string("7\n")) != std::string::npos);
}

TEST_CASE("a container is asked for its network namespace until it has one of its own") {
  const test::V1Tree tree;
  tree.Proc("42/net/dev", NetDev(7));
  tree.Proc("1/ns/x", "");
  tree.Proc("42/ns/x", "");
  const std::filesystem::path of_init = tree.roots().procfs + "/1/ns/net";
  const std::filesystem::path of_process = tree.roots().procfs + "/42/ns/net";
  std::filesystem::create_symlink("net:[1]", of_init);
  std::filesystem::create_symlink("net:[1]", of_process);  // its runtime still prepares it
  const identity::ProcessProbe probe(tree.roots().procfs);
  test::FakeClock clock(kNowMs);
  std::vector<std::unique_ptr<identity::Source>> sources;
  sources.push_back(std::make_unique<TreePod>(std::nullopt));
  Collector collector(ConfigFor(tree.roots()), std::move(sources), probe, clock);
  const auto shows_network = [&] {
    clock.Advance(Collector::kShareMs);
    return collector.Page(exposition::Format::kText).find(kReceived) != std::string::npos;
  };
  CHECK(!shows_network());
  std::filesystem::remove(of_process);
  std::filesystem::create_symlink("net:[2]", of_process);
  CHECK(shows_network());
  std::filesystem::remove(of_process);
  CHECK(shows_network());
}

TEST_CASE("when a process has gone another of the pod shows the network") {
  const test::V1Tree tree;
  const std::string id(64, 'a');
  tree.Write("memory" + test::kPodPath + "/" + id + "/cgroup.procs", "43\n");
  tree.Proc("43/net/dev", NetDev(8));
  tree.Proc("43/cgroup", "4:memory:" + test::kPodPath + "/" + id + "\n");
  const std::string page = PageOf(tree);
  CHECK(page.find(kReceived + std::string("8\n")) != std::string::npos);
  CHECK(page.find(R"(cloudmon_collector_success{collector="network"} 1)") != std::string::npos);
}

TEST_CASE("no series comes twice where old cgroups linger beside new ones of the same name") {
  const test::V1Tree tree;
  for (const std::string& leftover :
       {test::kPodPath + "/cri-containerd-" + test::kId + ".scope", "/old/kubepods/pod" + test::kUid,
        "/old/kubepods/pod" + test::kUid + "/" + test::kId}) {
    tree.Write("memory" + leftover + "/cgroup.procs", "");
    tree.Write("memory" + leftover + "/memory.usage_in_bytes", "1\n");
    tree.Write("memory" + leftover + "/memory.stat", "total_inactive_file 0\n");
  }
  tree.Container("memory", "memory.usage_in_bytes", "5\n");
  const std::string page = PageOf(tree);
  CHECK(page.find("container_memory_usage_bytes{") != std::string::npos);
  CheckNoSeriesTwice(page);
}

TEST_CASE("v1: a kernel without counts of OOM kills gives none for the pod") {
  const test::V1Tree tree;
  CHECK(PageOf(tree).find("pod_oom_events_total") == std::string::npos);
  tree.Container("memory", "memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n");
  CHECK(PageOf(tree).find(R"(pod_oom_events_total{namespace="shop",pod="web-1",)") != std::string::npos);
}

TEST_CASE("bytes that are not UTF-8 in a cgroup's path are replaced") {
  const test::V1Tree tree({"memory"});
  tree.Write("memory/x\xFF/kubepods/pod" + test::kUid + "/cgroup.procs", "");
  std::filesystem::remove_all(tree.path("memory/kubepods"));
  CHECK(PageOf(tree).find("cgroup_path=\"/x\xEF\xBF\xBD/kubepods/pod" + test::kUid + "\"") != std::string::npos);
}

TEST_CASE("each collector that runs says how it went") {
  const test::TempDir dir;
  ExporterConfig config = ConfigFor({.procfs = dir.path(), .cgroup = dir.path(), .rootfs = "", .podlogs = ""});
  config.collectors.filesystem = true;
  config.collectors.self = true;
  config.collectors.network = false;
  dir.Write("1/mounts", "garbage\n");
  const identity::ProcessProbe probe(dir.path());
  const test::FakeClock clock(kNowMs);
  Collector collector(config, {}, probe, clock);
  const std::string page = collector.Page(exposition::Format::kText);
  for (const char* name : {"cgroup\"} 0", "node\"} 1", "filesystem\"} 0", "self\"} 1"}) {
    CAPTURE(name);
    CHECK(page.find(std::string("cloudmon_collector_success{collector=\"") + name) != std::string::npos);
  }
  CHECK(page.find("collector=\"network\"") == std::string::npos);
}

TEST_CASE("pushing is on the page only where it is on") {
  const Roots roots = test::RecordedRoots("systemd");
  const identity::ProcessProbe probe(roots.procfs);
  test::FakeClock clock(kNowMs);
  Collector off(ConfigFor(roots), {}, probe, clock);
  CHECK(off.Page(exposition::Format::kText).find("cloudmon_push") == std::string::npos);

  push::Stats stats;
  Collector on(ConfigFor(roots), {}, probe, clock, &stats);
  CHECK(on.Page(exposition::Format::kText).find("cloudmon_push_last_success") == std::string::npos);
  stats.sent = 5;
  stats.refused = 1;
  stats.dropped = 2;
  stats.failures = 3;
  stats.queued = 4;
  stats.last_success_ms = 1'795'369'213'250;
  const std::string page = on.Page(exposition::Format::kText);
  for (const char* line :
       {"cloudmon_push_documents_total{result=\"sent\"} 5\n", "cloudmon_push_documents_total{result=\"refused\"} 1\n",
        "cloudmon_push_documents_total{result=\"dropped\"} 2\n", "cloudmon_push_failures_total 3\n",
        "cloudmon_push_queue_documents 4\n", "cloudmon_push_last_success_timestamp_seconds 1795369213.25\n"}) {
    CAPTURE(line);
    CHECK(page.find(line) != std::string::npos);
  }
}
