// SPDX-License-Identifier: Apache-2.0
#include "aggregator/scrape/page_reader.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <string_view>

#include "common/text.h"

namespace cloudmon::scrape {
namespace {

using exposition::Format;
using series::PodReading;
using series::Usage;

void Append(std::string& out, std::string_view name, const std::optional<std::uint64_t>& value) {
  if (!value) return;
  out += " " + std::string(name) + "=";
  text::AppendNumber(out, *value);
}

std::string Show(const Usage& usage) {
  std::string out;
  Append(out, "cpu", usage.cpu_usage_usec);
  Append(out, "mem", usage.memory_bytes);
  Append(out, "ws", usage.memory_working_set_bytes);
  Append(out, "read", usage.disk_read_bytes);
  Append(out, "write", usage.disk_write_bytes);
  Append(out, "rx", usage.network_rx_bytes);
  Append(out, "tx", usage.network_tx_bytes);
  return out;
}

std::string Show(const PodReading& pod) {
  std::string out = std::string(pod.key->ns) + "/" + std::string(pod.key->pod);
  if (!pod.key->deployment.empty()) out += " of " + std::string(pod.key->deployment);
  if (!pod.key->uid.empty()) out += " uid " + std::string(pod.key->uid);
  out += Show(pod.usage);
  if (pod.start_time_seconds) {
    out += " start=";
    text::AppendNumber(out, *pod.start_time_seconds);
  }
  for (const auto& container : pod.containers) out += " [" + container.container + Show(container.usage) + "]";
  return out;
}

// One line for each pod.
std::string ShowPods(const PageReading& page) {
  std::string out;
  for (const PodReading& pod : page.reading.pods) out += Show(pod) + "\n";
  return out;
}

std::string ShowNode(const PageReading& page) {
  std::string out = page.reading.node + ":" + Show(page.reading.node_reading.usage);
  Append(out, "cores", page.reading.node_reading.cpu_capacity_millicores);
  Append(out, "total", page.reading.node_reading.memory_capacity_bytes);
  return out;
}

PageReading ReadOnce(std::string_view body) {
  PageReader reader;
  PageReading first = reader.Read(body, Format::kText, {});
  const PageReading second = reader.Read(body, Format::kText, {});  // from the cache: the same
  CHECK(ShowPods(first) == ShowPods(second));
  CHECK(ShowNode(first) == ShowNode(second));
  CHECK(first.report.rejected_lines == second.report.rejected_lines);
  return first;
}

void CheckPods(std::string_view body, std::string_view want) {
  CAPTURE(body);
  const PageReading page = ReadOnce(body);
  CHECK(ShowPods(page) == want);
  CHECK_MESSAGE(page.report.rejected_lines == 0, page.report.first_error);
}

void CheckNode(std::string_view body, std::string_view want) {
  CAPTURE(body);
  const PageReading page = ReadOnce(body);
  CHECK(ShowNode(page) == want);
  CHECK_MESSAGE(page.report.rejected_lines == 0, page.report.first_error);
}

}  // namespace

TEST_CASE("page: our exporter's pods are their own cgroups; container usage is not added") {
  CheckPods(R"(# TYPE pod_cpu_usage_seconds_total counter
container_cpu_usage_seconds_total{namespace="shop",pod="web-1",container="app",deployment="web"} 99
container_memory_usage_bytes{namespace="shop",pod="web-1",container="app",deployment="web"} 99
container_start_time_seconds{namespace="shop",pod="web-1",container="app",deployment="web"} 1700000005.5
container_start_time_seconds{namespace="shop",pod="web-1",container="side",deployment="web"} 1700000001
container_network_receive_bytes_total{namespace="shop",pod="web-1",deployment="web",interface="eth0"} 10
container_network_receive_bytes_total{namespace="shop",pod="web-1",deployment="web",interface="eth1"} 5
container_network_receive_bytes_total{namespace="shop",pod="web-1",deployment="web",interface="lo"} 1000
container_network_transmit_bytes_total{namespace="shop",pod="web-1",deployment="web",interface="eth0"} 7
pod_cpu_usage_seconds_total{namespace="shop",pod="web-1",deployment="web"} 1.0000005
pod_cpu_usage_seconds_total{namespace="",pod="uid-x"} 2
pod_memory_usage_bytes{namespace="shop",pod="web-1",deployment="web"} 1e6
pod_memory_working_set_bytes{namespace="shop",pod="web-1",deployment="web"} 900000
pod_fs_reads_bytes_total{namespace="shop",pod="web-1",deployment="web",device="sda"} 1
pod_fs_reads_bytes_total{namespace="shop",pod="web-1",deployment="web",device="sdb"} 2
pod_fs_writes_bytes_total{namespace="shop",pod="web-1",deployment="web",device="sda"} 0
pod_oom_events_total{namespace="shop",pod="web-1",deployment="web"} 3
cloudmon_pod_info{namespace="shop",pod="web-1",deployment="web",pod_uid="u-1",pause_pid="7"} 1
cloudmon_pod_info{namespace="shop",pod="no-usage",deployment="web",pod_uid="u-2"} 1
)",
            "shop/web-1 of web uid u-1 cpu=1000001 mem=1000000 ws=900000 read=3 write=0 rx=15 tx=7 start=1700000001\n"
            "/uid-x cpu=2000000\n");
}

TEST_CASE("page: a pod without pod_* values on a page that has them has only its network") {
  CheckPods(R"(pod_memory_usage_bytes{namespace="a",pod="p"} 1
container_memory_usage_bytes{namespace="a",pod="q",container="c"} 2
container_network_transmit_bytes_total{namespace="a",pod="q",interface="eth0"} 3
)",
            "a/p mem=1\na/q tx=3\n");
}

TEST_CASE("page: without pod_* a pod is its containers") {
  CheckPods(R"(
container_cpu_usage_seconds_total{container="app",cpu="total",id="/kubepods/podu/c1",namespace="shop",pod="web-1"} 3 1700000000000
container_cpu_usage_seconds_total{container="app",cpu="cpu00",id="/kubepods/podu/c1",namespace="shop",pod="web-1"} 9
container_cpu_usage_seconds_total{container="side",cpu="cpu00",id="/kubepods/podu/c2",namespace="shop",pod="web-1"} 1
container_cpu_usage_seconds_total{container="side",cpu="cpu01",id="/kubepods/podu/c2",namespace="shop",pod="web-1"} 2
container_cpu_usage_seconds_total{container="",cpu="total",id="/kubepods/podu",namespace="shop",pod="web-1"} 50
container_cpu_usage_seconds_total{container="POD",cpu="total",id="/kubepods/podu/p",namespace="shop",pod="web-1"} 60
container_cpu_usage_seconds_total{container="",cpu="total",id="/system.slice",namespace="",pod=""} 70
container_memory_usage_bytes{container="app",id="/kubepods/podu/c1",namespace="shop",pod="web-1"} 11
container_memory_working_set_bytes{container="app",id="/kubepods/podu/c1",namespace="shop",pod="web-1"} 10
container_fs_reads_bytes_total{container="app",device="/dev/sda",id="/kubepods/podu/c1",namespace="shop",pod="web-1"} 1
container_fs_reads_bytes_total{container="app",device="/dev/sdb",id="/kubepods/podu/c1",namespace="shop",pod="web-1"} 2
container_fs_writes_bytes_total{container="side",device="/dev/sda",id="/kubepods/podu/c2",namespace="shop",pod="web-1"} 4
container_network_receive_bytes_total{container="",id="/kubepods/podu",interface="eth0",namespace="shop",pod="web-1"} 5
container_network_receive_bytes_total{container="",id="/kubepods/podu",interface="eth1",namespace="shop",pod="web-1"} 6
container_network_transmit_bytes_total{container="POD",id="/kubepods/podx/p",interface="eth0",namespace="shop",pod="web-2"} 8
container_start_time_seconds{container="app",id="/kubepods/podu/c1",namespace="shop",pod="web-1"} 100
container_start_time_seconds{container="",id="/kubepods/podu",namespace="shop",pod="web-1"} 90
)",
            "shop/web-1 rx=11 start=100 [app cpu=3000000 mem=11 ws=10 read=3] [side cpu=3000000 write=4]\n"
            "shop/web-2 tx=8\n");
}

TEST_CASE("page: labels on the series of a synthetic page name deployment and uid") {
  CheckPods(R"(container_memory_usage_bytes{namespace="n",pod="p",container="c",deployment="d",pod_uid="u"} 1
container_network_receive_bytes_total{namespace="n",pod="p",interface="eth0"} 2
)",
            "n/p of d uid u rx=2 [c mem=1]\n");
}

TEST_CASE("page: a cAdvisor on its own") {
  CheckPods(R"(
container_memory_usage_bytes{container_label_io_kubernetes_container_name="c",container_label_io_kubernetes_pod_name="p",container_label_io_kubernetes_pod_namespace="n",container_label_io_kubernetes_pod_uid="u",id="/x",image="i",name="k"} 1
container_memory_usage_bytes{container_label_io_kubernetes_container_name="",container_label_io_kubernetes_pod_name="p",container_label_io_kubernetes_pod_namespace="n",container_label_io_kubernetes_pod_uid="u",id="/y",image="i",name="s"} 2
container_memory_usage_bytes{container_label_io_kubernetes_container_name="",container_label_io_kubernetes_pod_name="",id="/docker"} 4
)",
            "n/p uid u [c mem=1]\n");
}

TEST_CASE("page: a pod that has only rows without a container is taken from its own cgroup") {
  CheckPods(R"(
container_memory_usage_bytes{container="",id="/kubepods/podu/0123456789",namespace="n",pod="p"} 1
container_memory_usage_bytes{container="",id="/kubepods/podu",namespace="n",pod="p"} 20
container_cpu_usage_seconds_total{id="/kubepods/podu",namespace="n",pod="p"} 2
container_start_time_seconds{id="/kubepods/podu",namespace="n",pod="p"} 7
container_memory_usage_bytes{namespace="n",pod="q"} 3
)",
            "n/p cpu=2000000 mem=20 start=7\nn/q mem=3\n");
}

TEST_CASE("page: of a container and the one it replaced, the newer one counts") {
  // By start time, whatever the order on the page.
  CheckPods(R"(
container_memory_usage_bytes{container="c",id="/new",namespace="n",pod="p"} 1
container_memory_usage_bytes{container="c",id="/old",namespace="n",pod="p"} 100
container_start_time_seconds{container="c",id="/new",namespace="n",pod="p"} 200
container_start_time_seconds{container="c",id="/old",namespace="n",pod="p"} 100
container_network_receive_bytes_total{container="POD",name="old",interface="eth0",namespace="n",pod="p"} 50
container_network_receive_bytes_total{container="POD",name="new",interface="eth0",namespace="n",pod="p"} 5
)",
            "n/p rx=5 start=200 [c mem=1]\n");
  // Without start times, by which was seen first.
  PageReader reader;
  constexpr std::string_view kOld = R"(container_memory_usage_bytes{container="c",id="/z",namespace="n",pod="p"} 100)";
  constexpr std::string_view kNew = R"(container_memory_usage_bytes{container="c",id="/a",namespace="n",pod="p"} 1)";
  auto read = [&](std::string_view body) { return ShowPods(reader.Read(body, Format::kText, {})); };
  CHECK(read(std::string(kOld) + "\n") == "n/p [c mem=100]\n");
  CHECK(read(std::string(kNew) + "\n" + std::string(kOld) + "\n") == "n/p [c mem=1]\n");
  CHECK(read(std::string(kOld) + "\n" + std::string(kNew) + "\n") == "n/p [c mem=1]\n");
  CHECK(read(std::string(kNew) + "\n") == "n/p [c mem=1]\n");
}

TEST_CASE("page: a network shown with each container of a pod counts once") {
  CheckPods(R"(
container_network_receive_bytes_total{container="a",id="/1",interface="eth0",namespace="n",pod="p"} 5
container_network_receive_bytes_total{container="b",id="/2",interface="eth0",namespace="n",pod="p"} 5
)",
            "n/p rx=5\n");
}

TEST_CASE("page: the node") {
  CheckNode(R"(cloudmon_node_info{node="node-a",kernel="6.1"} 1
node_cpu_seconds_total{cpu="0",mode="user"} 1.5
node_cpu_seconds_total{cpu="0",mode="system"} 0.25
node_cpu_seconds_total{cpu="0",mode="idle"} 1000
node_cpu_seconds_total{cpu="0",mode="iowait"} 1000
node_cpu_seconds_total{cpu="0",mode="steal"} 1000
node_cpu_seconds_total{cpu="0",mode="guest"} 1000
node_cpu_seconds_total{cpu="1",mode="idle"} 1000
node_cpu_seconds_total{cpu="1",mode="irq"} 0.25
node_memory_MemTotal_bytes 1000
node_memory_MemAvailable_bytes 400
node_disk_read_bytes_total{device="sda"} 1
node_disk_read_bytes_total{device="nvme0n1"} 2
node_disk_read_bytes_total{device="dm-0"} 100
node_disk_read_bytes_total{device="md127"} 100
node_disk_written_bytes_total{device="loop0"} 100
node_disk_written_bytes_total{device="ram0"} 100
node_network_receive_bytes_total{device="eth0"} 4
node_network_receive_bytes_total{device="bond0"} 8
node_network_receive_bytes_total{device="lo"} 100
node_network_receive_bytes_total{device="veth12"} 100
node_network_receive_bytes_total{device="cni0"} 100
node_network_receive_bytes_total{device="nodelocaldns"} 100
node_network_transmit_bytes_total{device="eth0"} 16
node_network_transmit_bytes_total{device="br-12"} 100
node_network_transmit_bytes_total{device="flannel.1"} 100
)",
            "node-a: cpu=2000000 mem=600 ws=600 read=3 rx=12 tx=16 cores=2000 total=1000");
  CheckNode(R"(node_cpu_usage_seconds_total 7
node_cpu_seconds_total{cpu="0",mode="user"} 1.5
node_memory_working_set_bytes 5
container_cpu_usage_seconds_total{id="/"} 9
machine_memory_bytes 77
machine_cpu_cores 3
)",
            ": cpu=7000000 ws=5 cores=1000 total=77");
  CheckNode("node_memory_MemTotal_bytes 10\nnode_memory_MemAvailable_bytes 11\n", ": total=10");
  CheckNode("", ":");
}

TEST_CASE("page: the root cgroup and machine_* stand in for the node") {
  CheckNode(R"(machine_cpu_cores{boot_id="x"} 4
machine_memory_bytes{boot_id="x"} 1000
container_cpu_usage_seconds_total{container="",cpu="total",id="/"} 2
container_memory_usage_bytes{id="/"} 300
container_memory_working_set_bytes{id="/"} 200
container_fs_reads_bytes_total{id="/",device="/dev/sda"} 1
container_fs_reads_bytes_total{id="/",device="/dev/dm-0"} 100
container_fs_reads_bytes_total{id="/",device="/dev/mapper/root"} 100
container_network_receive_bytes_total{id="/",interface="eth0"} 5
container_network_receive_bytes_total{id="/",interface="lo"} 100
container_network_receive_bytes_total{id="/",interface="cilium_host"} 100
)",
            ": cpu=2000000 mem=300 ws=200 read=1 rx=5 cores=4000 total=1000");
}

TEST_CASE("page: values that are none, and values too large") {
  auto check = [](std::string_view value, std::size_t rejected, std::string_view want) {
    CAPTURE(value);
    const std::string body =
        "pod_memory_usage_bytes{pod=\"p\"} " + std::string(value) + "\npod_cpu_usage_seconds_total{pod=\"p\"} 1\n";
    const PageReading page = ReadOnce(body);
    CHECK(page.report.rejected_lines == rejected);
    CHECK(ShowPods(page) == "/p cpu=1000000" + std::string(want) + "\n");
  };
  check("0", 0, " mem=0");
  check("1.6", 0, " mem=2");
  check("-0", 0, " mem=0");
  check("9007199254740992", 0, " mem=9007199254740992");
  check("NaN", 0, "");
  check("-1", 0, "");
  check("-Inf", 0, "");
  check("+Inf", 1, "");
  check("4.7e18", 1, "");
  check("1e300", 1, "");
  check("x", 1, "");

  const PageReading huge = ReadOnce("pod_cpu_usage_seconds_total{pod=\"p\"} 1e13\n");
  CHECK(huge.report.rejected_lines == 1);
  CHECK(huge.report.first_error == "pod_cpu_usage_seconds_total: a value too large to be true");
  // Each believable, their sum is not.
  std::string sum;
  for (int i = 0; i < 10; ++i) sum += "pod_fs_reads_bytes_total{pod=\"p\",device=\"" + std::to_string(i) + "\"} 4e18\n";
  CHECK(ShowPods(ReadOnce(sum)) == "/p\n");
}

TEST_CASE("page: the same series twice counts once, the first") {
  const PageReading page = ReadOnce(R"(pod_fs_reads_bytes_total{pod="p",device="a"} 1
pod_fs_reads_bytes_total{pod="p",device="a"} 10
pod_memory_usage_bytes{pod="p"} 2
pod_memory_usage_bytes{pod="p"} 20
some_other 1
some_other 1
)");
  CHECK(ShowPods(page) == "/p mem=2 read=1\n");
  CHECK(page.report.rejected_lines == 2);
  CHECK(page.report.first_error == "pod_fs_reads_bytes_total: given twice");
  // Other labels of the same thing do not double what there is one of.
  CHECK(ShowPods(ReadOnce("container_memory_usage_bytes{pod=\"p\",container=\"c\",image=\"a\"} 2\n"
                          "container_memory_usage_bytes{pod=\"p\",container=\"c\",image=\"b\"} 3\n")) ==
        "/p [c mem=2]\n");
}

TEST_CASE("page: bad lines and long labels are counted, the rest is kept") {
  PageReader reader;
  const std::string body = "garbage in here\npod_memory_usage_bytes{pod=\"" + std::string(100, 'x') +
                           "\"} 1\npod_memory_usage_bytes{pod=\"p\xff\"} 2\nunused{x=\"" + std::string(100, 'x') +
                           "\"} 1\npod_memory_usage_bytes{pod=\"a\",pod=\"b\"} 3\n";
  PageLimits limits;
  limits.head.max_label_value_bytes = 50;
  for (int i = 0; i < 2; ++i) {
    const PageReading page = reader.Read(body, Format::kText, limits);
    CHECK(ShowPods(page) == "/p\xef\xbf\xbd mem=2\n");
    CHECK(page.report.rejected_lines == 3);
    CHECK(page.report.first_error.starts_with("line 1: "));
  }
  limits.parse.max_samples = 1;
  CHECK(reader.Read(body, Format::kText, limits).report.over_sample_limit);
}

TEST_CASE("page: what is not on the next page is not in the next reading; keys stay while nothing in them changes") {
  PageReader reader;
  auto read = [&](std::string_view body) { return reader.Read(body, Format::kText, {}); };
  constexpr std::string_view kA = "pod_memory_usage_bytes{pod=\"a\",deployment=\"d\"} 1\n";
  constexpr std::string_view kB = "pod_memory_usage_bytes{pod=\"b\"} 2\npod_cpu_usage_seconds_total{pod=\"b\"} 1\n";
  const PageReading both = read(std::string(kA) + std::string(kB));
  CHECK(ShowPods(both) == "/a of d mem=1\n/b cpu=1000000 mem=2\n");
  CHECK(ShowPods(read(kB)) == "/b cpu=1000000 mem=2\n");
  CHECK(ShowPods(read("")).empty());
  const PageReading again = read(std::string(kB) + std::string(kA));  // another order
  CHECK(ShowPods(again) == "/a of d mem=1\n/b cpu=1000000 mem=2\n");
  CHECK(again.reading.pods[0].key == both.reading.pods[0].key);
  CHECK(again.reading.pods[1].key == both.reading.pods[1].key);
  CHECK(ShowPods(read("pod_memory_usage_bytes{pod=\"b\"} 3\n")) == "/b mem=3\n");

  // Identified later, and recreated under the same name.
  const PageReading named = read(std::string(kB) + "cloudmon_pod_info{pod=\"b\",deployment=\"e\",pod_uid=\"1\"} 1\n");
  CHECK(ShowPods(named) == "/b of e uid 1 cpu=1000000 mem=2\n");
  CHECK(named.reading.pods[0].key != again.reading.pods[1].key);
  const PageReading recreated =
      read(std::string(kB) + "cloudmon_pod_info{pod=\"b\",deployment=\"e\",pod_uid=\"2\"} 1\n");
  CHECK(ShowPods(recreated) == "/b of e uid 2 cpu=1000000 mem=2\n");
}

TEST_CASE("page: the cache is bounded, and keys outlive its renewal") {
  PageReader reader;
  constexpr std::string_view kStays = "pod_memory_usage_bytes{pod=\"stays\",deployment=\"d\"} 1\n";
  const PageReading first = reader.Read(kStays, Format::kText, {});
  for (int round = 0; round < 200; ++round) {
    std::string body;
    for (int i = 0; i < 50; ++i) {
      body += "pod_memory_usage_bytes{pod=\"p" + std::to_string(round) + "-" + std::to_string(i) + "\"} 1\n";
      if (i == 25) body += kStays;
      body += "unused" + std::to_string(round) + "_" + std::to_string(i) + " 1\n";
    }
    const PageReading page = reader.Read(body, Format::kText, {});
    REQUIRE(page.reading.pods.size() == 51);
    bool kept = false;
    for (const auto& pod : page.reading.pods) kept = kept || pod.key == first.reading.pods[0].key;
    REQUIRE(kept);
    REQUIRE(reader.cached_series() <= 3 * 51 + 64);
  }
  CHECK(ShowPods(reader.Read(kStays, Format::kText, {})) == "/stays of d mem=1\n");
  CHECK(reader.cached_series() == 1);
}

TEST_CASE("page: what is known of pods that are gone is dropped") {
  PageReader reader;
  std::size_t most = 0;
  for (int round = 0; round < 100; ++round) {
    std::string body;
    for (int i = 0; i < 50; ++i) {
      const std::string pod = "p" + std::to_string(round) + "-" + std::to_string(i);
      body += "container_memory_usage_bytes{namespace=\"n\",pod=\"" + pod + "\",container=\"c\",id=\"/" + pod +
              "\",pod_uid=\"" + pod + "\"} 1\n";
    }
    REQUIRE(reader.Read(body, Format::kText, {}).reading.pods.size() == 50);
    REQUIRE(reader.cached_series() == 50);
    most = std::max(most, reader.cached_owners());
  }
  CHECK(most <= 3 * (4 * 50 + 64) + 1);  // pods, instances and identities of so many series
  CHECK(most > 3 * 50);
}

TEST_CASE("page: heads that stand in each other's place") {
  PageReader reader;
  auto read = [&](std::string_view body) { return ShowPods(reader.Read(body, Format::kText, {})); };
  CHECK(read("pod_memory_usage_bytes{pod=\"a\"} 1\npod_memory_usage_bytes{pod=\"b\"} 2\n") == "/a mem=1\n/b mem=2\n");
  CHECK(read("pod_memory_usage_bytes{pod=\"b\"} 3\npod_memory_usage_bytes{pod=\"a\"} 4\n") == "/a mem=4\n/b mem=3\n");
  CHECK(read("pod_memory_usage_bytes{pod=\"c\"} 5\npod_memory_usage_bytes{pod=\"a\"} 6\n") == "/a mem=6\n/c mem=5\n");
  CHECK(read("pod_memory_usage_bytes{pod=\"a\"} 7\n") == "/a mem=7\n");
  CHECK(read("pod_memory_usage_bytes{pod=\"b\"} 8\npod_memory_usage_bytes{pod=\"c\"} 9\n") == "/b mem=8\n/c mem=9\n");
}

TEST_CASE("page: a known head with another end of its line") {
  PageReader reader;
  auto read = [&](std::string_view line, std::size_t rejected = 0) {
    CAPTURE(line);
    const PageReading page = reader.Read(std::string(line) + "\n", Format::kText, {});
    CHECK(page.report.rejected_lines == rejected);
    return ShowPods(page);
  };
  CHECK(read("pod_memory_usage_bytes{pod=\"a\"} 1") == "/a mem=1\n");
  CHECK(read("pod_memory_usage_bytes{pod=\"a\"}  2") == "/a mem=2\n");
  CHECK(read("pod_memory_usage_bytes{pod=\"a\"}\t3") == "/a mem=3\n");
  CHECK(read("pod_memory_usage_bytes{pod=\"a\"}4") == "/a mem=4\n");
  CHECK(read("pod_memory_usage_bytes{pod=\"a\"} 5 1700000000000") == "/a mem=5\n");
  CHECK(read("pod_memory_usage_bytes{pod=\"a\"} x", 1).empty());
  CHECK(read("pod_memory_usage_bytes{pod=\"a\"} 6") == "/a mem=6\n");
  CHECK(read("pod_memory_usage_bytes{pod=\"a\"}", 1).empty());
  CHECK(read("pod_memory_usage_bytes{pod=\"a\"} 7\r") == "/a mem=7\n");
  CHECK(read("pod_memory_usage_bytes{pod=\"a\"} } 8", 1).empty());
}

TEST_CASE("page: of metrics that nobody uses only the first line's labels are looked at") {
  PageReader reader;
  constexpr std::string_view kBody = R"(unused{a="1"} 1
unused{a="}"} 2
unused{a="b"} 3 1700000000000
unused{a="b" 4
unused{not a label} 5
unused 6
unused{a="b"} x
unused_too{a="b"} 7
unused_too{a="b"} 8
unused_too2{not a label} 9
pod_memory_usage_bytes{pod="p"} 10
unused{a="1"} 11
unused{a="2"} 12
)";
  for (int i = 0; i < 2; ++i) {
    const PageReading page = reader.Read(kBody, Format::kText, {});
    CHECK(ShowPods(page) == "/p mem=10\n");
    CHECK(page.report.samples == 10);
    CHECK(page.report.rejected_lines == 3);
    CHECK(page.report.first_error_line == 4);
    CHECK(reader.cached_series() == 1);
  }
}

TEST_CASE("page: heads longer than 64 KiB are read each time anew") {
  PageReader reader;
  PageLimits limits;
  limits.parse.max_line_bytes = limits.head.max_label_value_bytes = 100'000;
  const std::string body = "pod_memory_usage_bytes{pod=\"a\",x=\"" + std::string(70'000, 'x') + "\"} 1\n";
  for (int i = 0; i < 3; ++i) CHECK(ShowPods(reader.Read(body, Format::kText, limits)) == "/a mem=1\n");
}

TEST_CASE("page: cut off anywhere, or with any byte changed, it is read without harm") {
  const std::string body =
      R"(container_cpu_usage_seconds_total{cpu="total",id="/a",namespace="n",pod="p",container="c"} 1.5
container_network_receive_bytes_total{interface="eth0",namespace="n",pod="p"} 2 1700000000000
node_cpu_seconds_total{cpu="0",mode="user"} 3
cloudmon_pod_info{namespace="n",pod="p",deployment="d",pod_uid="u"} 1
)";
  PageReader reader;  // one for all: its cache sees every variant
  for (std::size_t length = 0; length < body.size(); ++length) {
    REQUIRE(reader.Read(body.substr(0, length), Format::kText, {}).reading.pods.size() <= 2);
    for (const char c : {'\0', '\n', '"', '}', '\\', '9', '\xff'}) {
      std::string changed = body;
      changed[length] = c;
      REQUIRE(reader.Read(changed, Format::kText, {}).reading.pods.size() <= 2);
    }
  }
  CHECK(ShowPods(reader.Read(body, Format::kText, {})) == "n/p of d uid u rx=2 [c cpu=1500000]\n");
}

TEST_CASE("page: OpenMetrics") {
  PageReader reader;
  const PageReading page = reader.Read("pod_cpu_usage_seconds_total{pod=\"p\"} 1.5 1700000000.1 # {a=\"b\"} 1\n# EOF\n",
                                       Format::kOpenMetrics, {});
  CHECK(ShowPods(page) == "/p cpu=1500000\n");
  CHECK(page.report.complete);
  CHECK(!reader.Read("pod_cpu_usage_seconds_total{pod=\"p\"} 1.5\n", Format::kOpenMetrics, {}).report.complete);
}

}  // namespace cloudmon::scrape
