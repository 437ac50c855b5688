// SPDX-License-Identifier: Apache-2.0
// The reader on trees of cgroup v1 and hybrid ones.
#include <doctest/doctest.h>

#include <string>

#include "exporter/cgroup/reader.h"
#include "tests/support/fake_clock.h"
#include "tests/unit/exporter/cgroup/scan_text.h"
#include "tests/unit/exporter/cgroup/v1_tree.h"

using namespace cloudmon;
using namespace cloudmon::cgroup;
using test::kContainerPath;
using test::kPodPath;
using test::V1Tree;

namespace {

CgroupScan Scan(const V1Tree& tree) {
  const test::FakeClock clock(0);
  return CgroupReader(tree.roots(), clock, 4096, 100).Read();
}

// The only container, of a scan without errors.
Container OnlyContainer(const V1Tree& tree) {
  const CgroupScan scan = Scan(tree);
  for (const Error& error : scan.errors) FAIL_CHECK(error.message);
  REQUIRE(scan.pods.size() == 1);
  REQUIRE(scan.pods[0].containers.size() == 1);
  return scan.pods[0].containers[0];
}

}  // namespace

TEST_CASE("v1: every value") {
  const V1Tree tree;
  const std::string cpu = "cpu,cpuacct";
  tree.Container(cpu, "cpuacct.usage", "1000000007\n");
  tree.Container(cpu, "cpuacct.stat", "user 60\nsystem 40\n");
  tree.Container(cpu, "cpu.shares", "512\n");
  tree.Container(cpu, "cpu.cfs_quota_us", "50000\n");
  tree.Container(cpu, "cpu.cfs_period_us", "100000\n");
  tree.Container(cpu, "cpu.stat", "nr_periods 30\nnr_throttled 20\nthrottled_time 900\n");
  tree.Container("memory", "memory.usage_in_bytes", "1000\n");
  tree.Container("memory", "memory.stat", "total_cache 300\ntotal_rss 600\ntotal_inactive_file 250\ntotal_swap 5\n");
  tree.Container("memory", "memory.max_usage_in_bytes", "2000\n");
  tree.Container("memory", "memory.limit_in_bytes", "9223372036854771712\n");
  tree.Container("memory", "memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n");
  tree.Container("blkio", "blkio.throttle.io_service_bytes_recursive", "8:0 Read 10\n8:0 Write 20\nTotal 30\n");
  tree.Container("blkio", "blkio.throttle.io_serviced_recursive", "8:0 Read 1\n8:0 Write 2\nTotal 3\n");
  tree.Container("pids", "pids.current", "3\n");
  tree.Container("pids", "pids.max", "max\n");
  tree.Pod(cpu, "cpuacct.usage", "2000000000\n");
  tree.Pod("memory", "memory.usage_in_bytes", "1100\n");
  tree.Pod("memory", "memory.stat", "total_inactive_file 1200\n");
  tree.Pod("memory", "memory.oom_control", "oom_kill 0\n");
  tree.Pod("blkio", "blkio.throttle.io_service_bytes_recursive", "8:0 Read 11\n8:0 Write 22\nTotal 33\n");
  test::CheckGolden("cgroup/v1.txt", test::ScanText(Scan(tree)));
}

TEST_CASE("v1: nothing but cgroup.procs gives no values") {
  const Container container = OnlyContainer(V1Tree());
  CHECK(container.usage.cpu.usage_ns == std::nullopt);
  CHECK(container.usage.memory.usage_bytes == std::nullopt);
  CHECK(!container.usage.memory.limit_bytes.has_value());
  CHECK(!container.usage.threads_max.has_value());
  CHECK(container.usage.io.empty());
  CHECK(container.usage.processes == 1U);
  CHECK(container.usage.start_time_seconds == test::kBootSeconds);  // not before boot
}

TEST_CASE("v1: user and system time from cpuacct.stat, which adds up to the exact use") {
  const V1Tree tree;
  tree.Container("cpu,cpuacct", "cpuacct.usage_user", "1\n");  // what the timer's ticks happened to meet
  tree.Container("cpu,cpuacct", "cpuacct.usage_sys", "1\n");
  tree.Container("cpu,cpuacct", "cpuacct.stat", "user 150\nsystem 25\n");
  const Container container = OnlyContainer(tree);
  CHECK(container.usage.cpu.user_ns == 1500000000U);
  CHECK(container.usage.cpu.system_ns == 250000000U);
}

TEST_CASE("v1: no throttling values without a quota") {
  const V1Tree tree;
  tree.Container("cpu,cpuacct", "cpu.cfs_quota_us", "-1\n");
  tree.Container("cpu,cpuacct", "cpu.cfs_period_us", "100000\n");
  tree.Container("cpu,cpuacct", "cpu.stat", "nr_periods 0\nnr_throttled 0\nthrottled_time 0\n");
  const Container container = OnlyContainer(tree);
  CHECK(container.usage.cpu.quota_usec == std::nullopt);
  CHECK(container.usage.cpu.period_usec == 100000U);
  CHECK(container.usage.cpu.periods == std::nullopt);
  CHECK(container.usage.cpu.throttled_ns == std::nullopt);
}

TEST_CASE("v1: which blkio file counts") {
  auto reads = [](std::initializer_list<std::pair<const char*, const char*>> files) -> Value {
    const V1Tree tree;
    for (const auto& [name, text] : files) tree.Container("blkio", name, text);
    const Container container = OnlyContainer(tree);
    if (container.usage.io.empty()) return std::nullopt;
    REQUIRE(container.usage.io.size() == 1);
    return container.usage.io[0].read_bytes;
  };
  const char* const bfq_recursive = "blkio.bfq.io_service_bytes_recursive";
  const char* const bfq = "blkio.bfq.io_service_bytes";
  const char* const throttle_recursive = "blkio.throttle.io_service_bytes_recursive";
  const char* const throttle = "blkio.throttle.io_service_bytes";
  const char* const none = "Total 0\n";
  CHECK(reads({{bfq_recursive, "8:0 Read 1\n"}, {bfq, "8:0 Read 2\n"}, {throttle_recursive, "8:0 Read 3\n"}}) == 1U);
  CHECK(reads({{bfq, "8:0 Read 2\n"}, {throttle_recursive, "8:0 Read 3\n"}}) == 2U);
  CHECK(reads({{bfq_recursive, none}, {bfq, none}, {throttle_recursive, "8:0 Read 3\n"}, {throttle, "8:0 Read 4\n"}}) ==
        3U);
  CHECK(reads({{bfq, none}, {throttle, "8:0 Read 4\n"}}) == 4U);
  CHECK(reads({{throttle, "8:0 Read 4\n"}}) == 4U);
  CHECK(reads({{bfq_recursive, none}, {throttle_recursive, none}}) == std::nullopt);
  CHECK(reads({}) == std::nullopt);
}

TEST_CASE("v1: a blkio file in which the root cgroup has nothing is not asked for") {
  const V1Tree tree;
  tree.Write("blkio/blkio.bfq.io_service_bytes_recursive", "Total 0\n");
  tree.Write("blkio/blkio.throttle.io_service_bytes_recursive", "8:0 Read 9\nTotal 9\n");
  tree.Container("blkio", "blkio.bfq.io_service_bytes_recursive", "8:0 Read 1\n");
  tree.Container("blkio", "blkio.throttle.io_service_bytes_recursive", "8:0 Read 2\n");
  const Container container = OnlyContainer(tree);
  REQUIRE(container.usage.io.size() == 1);
  CHECK(container.usage.io[0].read_bytes == 2U);
}

TEST_CASE("v1: operations of a device that no bytes were counted of") {
  const V1Tree tree;
  tree.Container("blkio", "blkio.bfq.io_service_bytes_recursive", "8:0 Read 1\nTotal 1\n");
  tree.Container("blkio", "blkio.throttle.io_serviced_recursive", "8:0 Read 5\n8:16 Write 6\nTotal 11\n");
  const Container container = OnlyContainer(tree);
  REQUIRE(container.usage.io.size() == 2);
  CHECK(container.usage.io[0].reads == 5U);
  CHECK(container.usage.io[1].minor == 16);
  CHECK(container.usage.io[1].write_bytes == std::nullopt);
  CHECK(container.usage.io[1].writes == 6U);
}

TEST_CASE("v1: cpu and cpuacct as two mounts, and mounts that some cgroups are not in") {
  const V1Tree tree({"cpu", "cpuacct", "memory"});
  tree.MakeDir("pids");  // mounted, without these cgroups
  tree.Container("cpu", "cpu.shares", "2\n");
  tree.Container("cpuacct", "cpuacct.usage", "5\n");
  tree.Container("cpu", "cpuacct.usage", "6\n");
  const Container container = OnlyContainer(tree);
  CHECK(container.usage.cpu.shares == 2U);
  CHECK(container.usage.cpu.usage_ns == 5U);
  CHECK(container.usage.threads == std::nullopt);
}

TEST_CASE("hybrid: pressure and missing CPU times from the unified mount") {
  const V1Tree tree({"memory", "pids", "unified"});
  tree.Container("unified", "cpu.stat", "usage_usec 7\nuser_usec 3\nsystem_usec 4\n");
  tree.Container("unified", "cpu.pressure", "some avg10=0.00 avg60=0.00 avg300=0.00 total=11\nfull total=12\n");
  tree.Container("unified", "memory.pressure", "some total=13\nfull total=14\n");
  tree.Container("unified", "memory.current", "999\n");
  tree.Container("memory", "memory.usage_in_bytes", "5\n");
  CHECK(Scan(tree).version == "hybrid");
  const Container container = OnlyContainer(tree);
  CHECK(container.usage.cpu.usage_ns == 7000U);
  CHECK(container.usage.memory.usage_bytes == 5U);
  CHECK(container.usage.pressure.cpu_waiting_usec == 11U);
  CHECK(container.usage.pressure.cpu_stalled_usec == 12U);
  CHECK(container.usage.pressure.memory_stalled_usec == 14U);
  CHECK(container.usage.pressure.io_waiting_usec == std::nullopt);
}

TEST_CASE("hybrid: a cgroup that has left a v1 mount does not switch to the counters of the unified one") {
  const V1Tree tree({"memory", "unified"});
  tree.MakeDir("cpuacct");
  tree.Container("unified", "cpu.stat", "usage_usec 7\n");
  CHECK(OnlyContainer(tree).usage.cpu.usage_ns == std::nullopt);
}

TEST_CASE("mounts are taken from the mountinfo of process 1") {
  const V1Tree tree({"one", "two", "cpu"});
  tree.Proc("1/mountinfo",
            "32 31 0:29 / /sys/fs/cgroup/one rw - cgroup cgroup rw,memory\n"
            "33 31 0:30 / /sys/fs/cgroup/two rw - cgroup cgroup rw,cpu,cpuacct\n"
            "34 31 0:31 / /sys/fs/cgroup/hidden rw - cgroup cgroup rw,pids\n");
  tree.Container("one", "memory.usage_in_bytes", "5\n");
  tree.Container("two", "cpuacct.usage", "6\n");
  tree.Container("cpu", "cpuacct.usage", "7\n");
  const Container container = OnlyContainer(tree);
  CHECK(container.usage.memory.usage_bytes == 5U);
  CHECK(container.usage.cpu.usage_ns == 6U);
}

TEST_CASE("processes: those of cgroups below count, foreign ones count but have no name") {
  const V1Tree tree;
  tree.Container("memory", "cgroup.procs", "9\n7\n9\n");
  tree.Container("memory", "init.scope/cgroup.procs", "0\n1\n0\n");
  tree.Container("memory", "system.slice/cgroup.procs", "");
  tree.Container("memory", "system.slice/app.service/cgroup.procs", "12\n");
  tree.Write("memory" + kPodPath + "/crio-conmon-" + test::kId + ".scope/cgroup.procs", "77\n");
  const Container container = OnlyContainer(tree);
  CHECK(container.pids == std::vector<std::uint32_t>{1, 7, 9, 12});
  CHECK(container.usage.processes == 6U);
}
