// SPDX-License-Identifier: Apache-2.0
// The reader on trees that are broken or change under it.
#include <doctest/doctest.h>

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <map>
#include <string>

#include "exporter/cgroup/reader.h"
#include "tests/support/fake_clock.h"
#include "tests/support/recorded_tree.h"
#include "tests/unit/exporter/cgroup/v1_tree.h"

using namespace cloudmon;
using namespace cloudmon::cgroup;
using test::kContainerPath;
using test::kPodPath;
using test::V1Tree;
namespace fs = std::filesystem;

namespace {

CgroupScan Scan(const Roots& roots) {
  const test::FakeClock clock(0);
  return CgroupReader(roots, clock, 4096, 100).Read();
}

}  // namespace

TEST_CASE("files that cannot be read or understood cost their own value only") {
  const V1Tree tree;
  tree.MakeDir("memory" + kContainerPath + "/memory.usage_in_bytes");  // not a file
  tree.Container("memory", "memory.stat", "total_rss many\ntotal_cache 5\n");
  tree.Container("memory", "memory.limit_in_bytes", "");
  tree.Container("pids", "pids.max", std::string("\0\xff\n", 3));
  tree.Container("cpu,cpuacct", "cpuacct.usage", "8\n");
  const CgroupScan scan = Scan(tree.roots());
  REQUIRE(scan.pods.size() == 1);
  REQUIRE(scan.pods[0].containers.size() == 1);
  const Usage& usage = scan.pods[0].containers[0].usage;
  CHECK(usage.memory.usage_bytes == std::nullopt);
  CHECK(usage.memory.working_set_bytes == std::nullopt);
  CHECK(usage.memory.rss_bytes == std::nullopt);
  CHECK(usage.memory.cache_bytes == 5U);
  CHECK(!usage.memory.limit_bytes.has_value());
  CHECK(!usage.threads_max.has_value());
  CHECK(usage.cpu.usage_ns == 8U);
  CHECK(scan.error_counts == std::map<ErrorCode, std::uint64_t>{{ErrorCode::kIo, 1}, {ErrorCode::kParse, 2}});
  REQUIRE(scan.errors.size() == 3);
  const std::string stat = tree.path("memory") + kContainerPath + "/memory.stat";
  CHECK(scan.errors[2].message == stat + ": total_rss: not a whole number: 'many'");
}

TEST_CASE("a file that the kernel has but does not support is as one that is not there") {
  CHECK(ErrnoError(EOPNOTSUPP, "cpu.pressure").code == ErrorCode::kNotFound);
  CHECK(ErrnoError(ENODEV, "cpu.pressure").code == ErrorCode::kGone);
}

TEST_CASE("a file without end is refused") {
  const V1Tree tree;
  tree.Container("memory", "memory.stat", std::string(5U << 20U, 'x'));
  CHECK(Scan(tree.roots()).error_counts == std::map<ErrorCode, std::uint64_t>{{ErrorCode::kLimit, 1}});
}

TEST_CASE("errors are counted, and the first are kept") {
  const V1Tree tree({"memory"});
  const std::size_t bad_files = CgroupScan::kMaxErrors + 20;
  for (std::size_t i = 0; i < bad_files; ++i) {
    std::string id = std::to_string(i);
    id.insert(0, 64 - id.size(), '0');
    tree.Write("memory" + kPodPath + "/" + id + "/cgroup.procs", "x\n");
  }
  const CgroupScan scan = Scan(tree.roots());
  CHECK(scan.errors.size() == CgroupScan::kMaxErrors);
  CHECK(scan.error_counts.at(ErrorCode::kParse) == bad_files);
  CHECK(scan.pods.at(0).containers.size() == bad_files + 1);
}

TEST_CASE("a cgroup without cgroup.procs has gone") {
  const V1Tree tree({"memory", "pids"});
  tree.Container("memory", "memory.usage_in_bytes", "5\n");
  const std::string other(64, 'a');
  tree.Write("memory" + kPodPath + "/" + other + "/cgroup.procs", "5\n");
  fs::remove(tree.path("memory") + kContainerPath + "/cgroup.procs");
  CgroupScan scan = Scan(tree.roots());
  CHECK(scan.errors.empty());
  REQUIRE(scan.pods.size() == 1);
  REQUIRE(scan.pods[0].containers.size() == 1);
  CHECK(scan.pods[0].containers[0].id == other);
  fs::remove(tree.path("memory") + kPodPath + "/cgroup.procs");
  scan = Scan(tree.roots());
  CHECK(scan.pods.empty());
  CHECK(scan.errors.empty());
}

TEST_CASE("pods and containers that come and go between scans") {
  const V1Tree tree;
  const test::FakeClock clock(0);
  CgroupReader reader(tree.roots(), clock, 4096, 100);
  CHECK(reader.Read().pods.size() == 1);
  fs::remove_all(tree.path("memory") + kContainerPath);
  CgroupScan scan = reader.Read();
  REQUIRE(scan.pods.size() == 1);
  CHECK(scan.pods[0].containers.empty());
  tree.Write("memory/kubepods/podabc/cgroup.procs", "");
  CHECK(reader.Read().pods.size() == 2);
  fs::remove_all(tree.path("memory") + kPodPath);
  scan = reader.Read();
  REQUIRE(scan.pods.size() == 1);
  CHECK(scan.pods[0].uid == "abc");
  CHECK(scan.pods[0].qos == "guaranteed");
  CHECK(scan.errors.empty());
}

TEST_CASE("the start time is the earliest seen, until another cgroup has the name") {
  const V1Tree tree;
  tree.Proc("stat", "btime 1000\n");
  const test::FakeClock clock(0);
  CgroupReader reader(tree.roots(), clock, 4096, 100);
  const std::string directory = tree.path("memory") + kContainerPath;
  const auto start = [&] { return reader.Read().pods.at(0).containers.at(0).usage.start_time_seconds; };
  const auto first = start();
  fs::last_write_time(directory, fs::last_write_time(directory) + std::chrono::hours(1));
  CHECK(start() == first);
  fs::last_write_time(directory, fs::last_write_time(directory) - std::chrono::hours(2));
  CHECK(*start() < *first);
  fs::remove_all(directory);
  tree.Container("memory", "cgroup.procs", "1\n");
  CHECK(*start() >= *first);
}

TEST_CASE("no cgroups where they should be") {
  const test::TempDir empty;
  Roots roots{.procfs = empty.path() + "/proc", .cgroup = empty.path() + "/cgroup", .rootfs = {}, .podlogs = {}};
  const test::FakeClock clock(0);
  CgroupReader reader(roots, clock, 4096, 100);
  CgroupScan scan = reader.Read();
  CHECK(scan.version.empty());
  REQUIRE(scan.errors.size() == 1);
  CHECK(scan.errors[0].code == ErrorCode::kNotFound);
  CHECK(scan.errors[0].message.starts_with("--path.cgroup: " + roots.cgroup));
  empty.MakeDir("cgroup/other");
  scan = reader.Read();
  REQUIRE(scan.errors.size() == 1);
  CHECK(scan.errors[0].message.find("set --path.cgroup") != std::string::npos);
  // They are found as soon as they are there, and lost without harm.
  empty.Write("cgroup/cgroup.controllers", "memory\n");
  scan = reader.Read();
  CHECK(scan.version == "v2");
  CHECK(scan.errors.empty());
  fs::remove_all(roots.cgroup);
  scan = reader.Read();
  CHECK(scan.pods.empty());
  CHECK(scan.error_counts.contains(ErrorCode::kNotFound));
}

TEST_CASE("every file of a recorded container cut off anywhere") {
  const test::TempDir dir;
  const Roots recorded = test::RecordedRoots("systemd-6.12");
  fs::copy(recorded.cgroup, dir.path() + "/cgroup", fs::copy_options::recursive);
  const Roots roots{.procfs = recorded.procfs, .cgroup = dir.path() + "/cgroup", .rootfs = {}, .podlogs = {}};
  const CgroupScan whole = Scan(roots);
  REQUIRE(whole.errors.empty());
  const test::FakeClock clock(0);
  CgroupReader reader(roots, clock, 4096, 100);
  for (const auto& file : fs::directory_iterator(roots.cgroup + whole.pods[0].containers.at(0).cgroup_path)) {
    const auto size = fs::is_regular_file(file) ? fs::file_size(file) : 0;
    CAPTURE(file.path().string());
    for (std::uintmax_t cut = size; cut-- > 0;) {
      fs::resize_file(file, cut);
      const CgroupScan scan = reader.Read();
      REQUIRE(scan.pods.size() == whole.pods.size());
      REQUIRE(scan.errors.size() <= 2);
    }
  }
}
