// SPDX-License-Identifier: Apache-2.0
#include "exporter/collector.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "exporter/identity/process_probe.h"
#include "tests/support/fake_clock.h"
#include "tests/support/files.h"
#include "tests/support/recorded_tree.h"

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
    test::CheckGolden("exporter/" + std::string(node) + ".txt", PageOf(node, exposition::Format::kText));
  }
  test::CheckGolden("exporter/systemd.openmetrics.txt", PageOf("systemd", exposition::Format::kOpenMetrics));
}

TEST_CASE("a page within a second of the last is made from the same pass") {
  const test::TempDir dir;
  const Roots roots{.procfs = dir.path(), .cgroup = dir.path(), .rootfs = dir.path(), .podlogs = dir.path()};
  dir.Write("loadavg", "1.00 2.00 3.00 1/100 1000\n");
  const identity::ProcessProbe probe(roots.procfs);
  test::FakeClock clock(kNowMs);
  Collector collector(ConfigFor(roots), {}, probe, clock);
  CHECK(collector.Page(exposition::Format::kText).find("node_load1 1\n") != std::string::npos);
  dir.Write("loadavg", "4.00 2.00 3.00 1/100 1000\n");
  clock.Advance(Collector::kShareMs - 1);
  CHECK(collector.Page(exposition::Format::kText).find("node_load1 1\n") != std::string::npos);
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
