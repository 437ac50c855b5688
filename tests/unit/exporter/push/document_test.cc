// SPDX-License-Identifier: Apache-2.0
#include "exporter/push/document.h"

#include <doctest/doctest.h>

#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "aggregator/ingest/document.h"
#include "aggregator/scrape/page_reader.h"
#include "common/http/gzip.h"
#include "exporter/collector.h"
#include "exporter/families.h"
#include "exporter/identity/process_probe.h"
#include "tests/support/fake_clock.h"
#include "tests/support/files.h"
#include "tests/support/recorded_tree.h"

using namespace cloudmon;  // NOLINT: a test

namespace {

constexpr std::int64_t kPassMs = 1'795'369'213'250;
using Json = nlohmann::ordered_json;

NamedPod Pod(std::string ns, std::string name, std::string deployment) {
  NamedPod pod;
  pod.namespace_name = std::move(ns);
  pod.name = std::move(name);
  pod.deployment = std::move(deployment);
  pod.cgroup.uid = "0d9a4c31-" + pod.name;
  pod.start_time_seconds = 1'700'000'000.25;  // of its pause container, which a page does not show
  return pod;
}

NamedPod FullPod() {
  NamedPod pod = Pod("shop", "web-7d9c6b8f5-auej7", "web");
  cgroup::Usage& usage = pod.cgroup.usage;
  usage.cpu.usage_ns = 142'871'819'600;
  usage.memory.usage_bytes = 9'494'528;
  usage.memory.working_set_bytes = 8'331'264;
  usage.io = {{.major = 254, .minor = 0, .read_bytes = 4096, .write_bytes = 83'886'080, .reads = 1, .writes = 2},
              {.major = 9, .minor = 1, .read_bytes = 7, .write_bytes = std::nullopt, .reads = 1, .writes = 2}};
  pod.network = {{.name = "lo", .receive_bytes = 1'000'000},
                 {.name = "eth0", .receive_bytes = 1656, .transmit_bytes = 612},
                 {.name = "net1", .receive_bytes = 10, .transmit_bytes = 20}};
  for (const double start : {1'700'000'009.5, 1'700'000'003.75}) {
    cgroup::Container container;
    container.usage = usage;  // would count twice if it were added to the pod's own
    container.usage.start_time_seconds = start;
    pod.containers.push_back({"app" + std::to_string(pod.containers.size()), "shop/web:1", container});
  }
  return pod;
}

proc::NodeStats FullNode() {
  proc::NodeStats node;
  node.cpus = {{.cpu = "0", .user_seconds = 1.53, .system_seconds = 0.25, .idle_seconds = 100, .steal_seconds = 1},
               {.cpu = "1", .user_seconds = 4.01, .iowait_seconds = 7, .irq_seconds = 0.5}};
  node.memory.total = 16'000;
  node.memory.available = 4000;
  node.disks = {{.major = 254, .minor = 0, .name = "vda", .read_bytes = 512, .written_bytes = 1024},
                {.major = 254, .minor = 1, .name = "vda1", .read_bytes = 512, .written_bytes = 1024},
                {.major = 254, .minor = 16, .name = "vdb", .read_bytes = 4096},
                {.major = 253, .minor = 0, .name = "dm-0", .read_bytes = 512, .written_bytes = 1024},
                {.major = 9, .minor = 0, .name = "md0", .read_bytes = 512},
                {.major = 7, .minor = 0, .name = "loop0", .read_bytes = 512}};
  node.interfaces = {{.name = "lo", .receive_bytes = 7, .transmit_bytes = 7},
                     {.name = "eth0", .receive_bytes = 900, .transmit_bytes = 90},
                     {.name = "eth1", .receive_bytes = 1, .transmit_bytes = 2},
                     {.name = "veth1a", .receive_bytes = 8, .transmit_bytes = 9},
                     {.name = "br-1a2b", .receive_bytes = 8, .transmit_bytes = 9},
                     {.name = "cni0", .receive_bytes = 8, .transmit_bytes = 9}};
  return node;
}

NodeSnapshot FullSnapshot() {
  NodeSnapshot snapshot;
  snapshot.info.node = "node \"a\"";
  snapshot.node = FullNode();
  NamedPod host = Pod("kube-system", "proxy-\xC3\xA4", "");  // on the host's network, no disk
  host.cgroup.usage.cpu.usage_ns = 499;
  NamedPod silent = Pod("shop", "silent", "web");  // nothing is known of it
  NamedPod held = Pod("", "e7d6c5b4-a392-4817-b6f5-041322334455", "");
  held.cgroup.usage.cpu.usage_ns = 1;
  snapshot.pods = {FullPod(), std::move(host), std::move(silent), std::move(held)};
  return snapshot;
}

std::string PageOf(const NodeSnapshot& snapshot) {
  std::string page;
  exposition::Writer writer(exposition::Format::kText, page);
  WritePodFamilies(writer, snapshot);
  WriteNodeFamilies(writer, snapshot);
  writer.Finish();
  return page;
}

void CheckUsage(const series::Usage& got, const series::Usage& want) {
  CHECK(got.cpu_usage_usec == want.cpu_usage_usec);
  CHECK(got.memory_bytes == want.memory_bytes);
  CHECK(got.memory_working_set_bytes == want.memory_working_set_bytes);
  CHECK(got.disk_read_bytes == want.disk_read_bytes);
  CHECK(got.disk_write_bytes == want.disk_write_bytes);
  CHECK(got.network_rx_bytes == want.network_rx_bytes);
  CHECK(got.network_tx_bytes == want.network_tx_bytes);
  CHECK(!got.cpu_millicores);
}

// The aggregator reads from the document what it reads from the page of the same pass; pods without a namespace, which
// nobody could name, are only on the page. Returns the number of pods compared.
std::size_t CheckSame(const std::string& document, const std::string& page) {
  scrape::PageReader reader;
  const series::TargetReading want = reader.Read(page, exposition::Format::kText, {}).reading;
  const auto parsed = ingest::ParseDocument(document);
  REQUIRE_MESSAGE(parsed.ok(), parsed.error().message);
  const series::TargetReading& got = parsed.value().reading;
  CHECK(got.node == want.node);
  CHECK(got.groups.empty());
  CheckUsage(got.node_reading.usage, want.node_reading.usage);
  CHECK(got.node_reading.cpu_capacity_millicores == want.node_reading.cpu_capacity_millicores);
  CHECK(got.node_reading.memory_capacity_bytes == want.node_reading.memory_capacity_bytes);
  std::map<std::pair<std::string_view, std::string_view>, const series::PodReading*> pods;
  for (const series::PodReading& pod : want.pods) {
    if (!pod.key->ns.empty()) pods[{pod.key->ns, pod.key->pod}] = &pod;
  }
  CHECK(got.pods.size() == pods.size());
  for (const series::PodReading& pod : got.pods) {
    CAPTURE(pod.key->pod);
    const auto found = pods.find({pod.key->ns, pod.key->pod});
    REQUIRE(found != pods.end());
    CHECK(pod.key->deployment == found->second->key->deployment);
    CHECK(pod.key->uid == found->second->key->uid);
    CHECK(pod.start_time_seconds == found->second->start_time_seconds);
    CheckUsage(pod.usage, found->second->usage);
  }
  return pods.size();
}

// Names one pod of the recorded nodes as a runtime would.
class OnePod final : public identity::Source {
 public:
  [[nodiscard]] std::string_view name() const override { return "cri"; }
  Result<std::vector<identity::PodIdentity>> Fetch() override {
    identity::PodIdentity pod;
    pod.uid = "6f1b7c9e-2d34-4f0a-9b1e-0a1b2c3d4e5f";
    pod.namespace_name = "shop";
    pod.name = "burner-7d9c6b8f5-auej7";
    pod.deployment = "burner";
    return std::vector{pod};
  }
};

}  // namespace

TEST_CASE("the document of a full snapshot") {
  const std::string document = push::BuildDocument(FullSnapshot(), kPassMs);
  test::CheckGolden("exporter/push_document.json", Json::parse(document).dump(2) + "\n");
}

TEST_CASE("a snapshot of which nothing is known is a document too") {
  NodeSnapshot snapshot;
  snapshot.info.node = "n";
  CHECK(push::BuildDocument(snapshot, 1'795'369'213'000) ==
        R"({"timestamp":1795369213.0,"node":"n","node_data":{},"pods":[],"namespaces":[],"deployments":[]})");
}

TEST_CASE("values too large to be true are left out, as the aggregator leaves them out of a page") {
  NodeSnapshot snapshot;
  snapshot.info.node = "n";
  snapshot.pods = {FullPod()};
  snapshot.pods[0].cgroup.usage.memory.usage_bytes = 1ULL << 63U;
  const std::string document = push::BuildDocument(snapshot, kPassMs);
  CHECK(!Json::parse(document)["pods"][0].contains("memory_bytes"));
  CheckSame(document, PageOf(snapshot));
}

TEST_CASE("the same values as a scrape") {
  const NodeSnapshot snapshot = FullSnapshot();
  CHECK(CheckSame(push::BuildDocument(snapshot, kPassMs), PageOf(snapshot)) == 2);
}

TEST_CASE("the same values as a scrape: the recorded nodes") {
  for (const char* node : {"systemd", "cgroupfs", "systemd-6.12"}) {
    CAPTURE(node);
    ExporterConfig config;
    config.node_name = node;
    config.roots = test::RecordedRoots(node);
    config.collectors.filesystem = false;
    const identity::ProcessProbe probe(config.roots.procfs);
    test::FakeClock clock(kPassMs);
    std::vector<std::unique_ptr<identity::Source>> sources;
    sources.push_back(std::make_unique<OnePod>());
    Collector collector(config, std::move(sources), probe, clock);
    (void)collector.Page(exposition::Format::kText);
    clock.Advance(identity::kHoldBackMs);  // pods that nobody names are on the page from here on
    const std::string document = collector.PushDocument();
    clock.Advance(Collector::kShareMs - 1);
    CHECK(CheckSame(document, collector.Page(exposition::Format::kText)) >= 1);
    const std::string shared = collector.PushDocument();
    CHECK_MESSAGE(shared == document, "of the same pass, with its time");
    CHECK(Json::parse(document)["timestamp"] == static_cast<double>(kPassMs + identity::kHoldBackMs) / 1e3);
    clock.Advance(1);
    CHECK_MESSAGE(collector.PushDocument() != document, "a pass of its own");
  }
}

TEST_CASE("a document that waits takes less than 100 bytes a pod") {
  NodeSnapshot snapshot = FullSnapshot();
  std::uint64_t state = 1;
  const auto next = [&](std::uint64_t below) {
    state = state * 6'364'136'223'846'793'005U + 1'442'695'040'888'963'407U;
    return (state >> 20U) % below;
  };
  snapshot.pods.assign(250, FullPod());
  for (NamedPod& pod : snapshot.pods) {
    pod.name = "web-7d9c6b8f5-" + std::to_string(next(100'000));
    pod.cgroup.uid = std::to_string(next(1'000'000'000'000)) + std::to_string(next(1'000'000'000'000));
    pod.cgroup.usage.cpu.usage_ns = next(10'000'000'000'000);
    pod.cgroup.usage.memory.usage_bytes = next(1U << 30U);
    pod.cgroup.usage.memory.working_set_bytes = next(1U << 30U);
    for (cgroup::DeviceIo& io : pod.cgroup.usage.io) io.read_bytes = io.write_bytes = next(1U << 30U);
    for (proc::NetDevice& device : pod.network) device.receive_bytes = device.transmit_bytes = next(1U << 30U);
  }
  const std::string document = push::BuildDocument(snapshot, kPassMs);
  const std::size_t packed_bytes = http::Gzip(document).size();
  CHECK(packed_bytes < 250 * 100);
}
