// SPDX-License-Identifier: Apache-2.0
// What the reader keeps from scan to scan: open files and settings.
#include <doctest/doctest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

#include "exporter/cgroup/reader.h"
#include "tests/support/fake_clock.h"
#include "tests/unit/exporter/cgroup/scan_text.h"
#include "tests/unit/exporter/cgroup/v1_tree.h"

using namespace cloudmon;
using namespace cloudmon::cgroup;
using test::kContainerPath;
using test::kPodPath;
using test::V1Tree;
namespace fs = std::filesystem;

namespace {

constexpr std::size_t kPlenty = 1000;
// Of the container: its directory, cpuacct.usage, memory.usage_in_bytes, cgroup.procs.
constexpr std::size_t kKeptOfContainer = 4;
// Of the pod: its directory, memory.usage_in_bytes.
constexpr std::size_t kKeptOfPod = 2;
constexpr std::size_t kKept = kKeptOfContainer + kKeptOfPod;

std::size_t OpenDescriptors() {
  const fs::directory_iterator descriptors("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(descriptors), end(descriptors)));
}

class Node {
 public:
  explicit Node(std::size_t max_kept) : reader_(tree.roots(), clock, max_kept, 100) { WriteAll("1"); }

  void WriteAll(const std::string& value) const {
    tree.Container("cpu,cpuacct", "cpuacct.usage", value);
    tree.Container("cpu,cpuacct", "cpu.shares", value);
    tree.Container("memory", "memory.usage_in_bytes", value);
    tree.Container("memory", "memory.limit_in_bytes", value);
    tree.Container("pids", "pids.max", value);
    tree.Pod("memory", "memory.usage_in_bytes", value);
  }

  CgroupScan Read() {
    CgroupScan scan = reader_.Read();
    for (const Error& error : scan.errors) FAIL_CHECK(error.message);
    return scan;
  }
  Container ReadContainer() {
    const CgroupScan scan = Read();
    REQUIRE(scan.pods.size() == 1);
    REQUIRE(scan.pods[0].containers.size() == 1);
    return scan.pods[0].containers[0];
  }
  // How many files are open that were not before the first scan.
  [[nodiscard]] std::size_t Kept() const { return OpenDescriptors() - before_; }

  V1Tree tree;
  test::FakeClock clock{0};

 private:
  CgroupReader reader_;
  std::size_t before_ = OpenDescriptors();
};

}  // namespace

TEST_CASE("kept files are read anew on each scan, and there are no more of them after many") {
  Node node(kPlenty);
  for (int pass = 1; pass < 20; ++pass) {
    node.WriteAll(std::to_string(pass));
    const Container container = node.ReadContainer();
    CHECK(container.usage.cpu.usage_ns == static_cast<std::uint64_t>(pass));
    CHECK(container.usage.memory.usage_bytes == static_cast<std::uint64_t>(pass));
    CHECK(node.Kept() == kKept);
  }
}

TEST_CASE("no more files than allowed are kept, and all are read") {
  Node all(kPlenty);
  const std::string expected = test::ScanText(all.Read());
  for (std::size_t max_kept = 0; max_kept <= kKept; ++max_kept) {
    Node node(max_kept);
    for (int pass = 0; pass < 3; ++pass) {
      CHECK(test::ScanText(node.Read()) == expected);
      CHECK(node.Kept() == max_kept);
    }
  }
}

TEST_CASE("the files of a cgroup that has gone are closed") {
  Node node(kPlenty);
  (void)node.Read();
  fs::remove_all(node.tree.path("memory") + kContainerPath);
  CHECK(node.Read().pods.at(0).containers.empty());
  CHECK(node.Kept() == kKeptOfPod);
  fs::remove_all(node.tree.path("memory") + kPodPath);
  CHECK(node.Read().pods.empty());
  CHECK(node.Kept() == 0);
}

TEST_CASE("a cgroup made anew under the same path is not read through the old one's files") {
  Node node(kPlenty);
  node.WriteAll("1000");
  (void)node.Read();
  node.clock.Advance(kYoungMs);
  (void)node.Read();  // its settings will now be remembered
  for (const char* mount : {"cpu,cpuacct", "memory", "pids"}) fs::remove_all(node.tree.path(mount) + kContainerPath);
  node.WriteAll("5");
  node.tree.Container("memory", "cgroup.procs", "43\n");
  const Container container = node.ReadContainer();
  CHECK(container.usage.cpu.usage_ns == 5U);
  CHECK(container.usage.memory.usage_bytes == 5U);
  CHECK(container.usage.cpu.shares == 5U);
  CHECK(container.pids == std::vector<std::uint32_t>{43});
  CHECK(node.Kept() == kKept);
}

TEST_CASE("one container in another's place between two scans") {
  Node node(kPlenty);
  (void)node.Read();
  const std::string other(64, 'a');
  fs::remove_all(node.tree.path("memory") + kContainerPath);
  node.tree.Write("memory" + kPodPath + "/" + other + "/cgroup.procs", "5\n");  // as many directories as before
  CHECK(node.ReadContainer().id == other);
}

TEST_CASE("without a descriptor left for the rest, the kept files are closed and all is read") {
  Node all(kPlenty);
  const std::string expected = test::ScanText(all.Read());
  Node node(kPlenty);
  rlimit limit{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &limit) == 0);
  const rlimit before = limit;
  limit.rlim_cur = 256;
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &limit) == 0);
  std::vector<UniqueFd> others;
  while (others.empty() || others.back().valid()) others.emplace_back(::dup(0));
  constexpr std::size_t kMounts = 4;  // open during a scan
  constexpr std::size_t kTooFew = kKept - 1;
  others.resize(others.size() - 1 - kMounts - kTooFew);  // the last is none
  const std::string first = test::ScanText(node.Read());
  const std::string second = test::ScanText(node.Read());
  others.clear();
  const std::size_t kept = node.Kept();
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
  CHECK(first == expected);
  CHECK(second == expected);
  CHECK(kept < kKept);
}

TEST_CASE("with too few descriptors left to begin a scan the kept files are closed and all is read") {
  rlimit limit{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &limit) == 0);
  const rlimit before = limit;
  limit.rlim_cur = 256;
  constexpr std::size_t kMounts = 4;
  for (std::size_t left = 2; left <= kMounts + 1; ++left) {
    CAPTURE(left);
    Node node(kPlenty);
    const std::string expected = test::ScanText(node.Read());
    node.clock.Advance(kYoungMs);  // kubepods will be searched for again
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &limit) == 0);
    std::vector<UniqueFd> others;
    while (others.empty() || others.back().valid()) others.emplace_back(::dup(0));
    others.resize(others.size() - 1 - left);
    const std::string scanned = test::ScanText(node.Read());
    others.clear();
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
    CHECK(scanned == expected);
  }
}

TEST_CASE("settings are read on each scan of a young cgroup, then once a minute") {
  Node node(kPlenty);
  const auto settings = [&]() -> std::uint64_t {
    const Container container = node.ReadContainer();
    REQUIRE(container.usage.cpu.shares.has_value());
    CHECK(container.usage.memory.limit_bytes == Limit(container.usage.cpu.shares));
    CHECK(container.usage.threads_max == Limit(container.usage.cpu.shares));
    return *container.usage.cpu.shares;
  };
  CHECK(settings() == 1);
  node.clock.Advance(kYoungMs - 1);
  node.WriteAll("2");
  CHECK(settings() == 2);
  node.clock.Advance(1);
  CHECK(settings() == 2);
  node.clock.Advance(kSettingsMs);  // the first time comes sooner, by a part that each cgroup has of its own
  CHECK(settings() == 2);
  node.WriteAll("3");
  node.clock.Advance(kSettingsMs - 1);
  CHECK(settings() == 2);
  node.clock.Advance(1);
  CHECK(settings() == 3);
}

TEST_CASE("settings that could not be read are read again on the next scan") {
  Node node(kPlenty);
  CgroupReader reader(node.tree.roots(), node.clock, kPlenty, 100);
  (void)reader.Read();
  node.clock.Advance(kYoungMs);
  node.tree.Container("cpu,cpuacct", "cpu.shares", "many\n");
  CHECK(reader.Read().errors.size() == 1);
  CHECK(reader.Read().errors.size() == 1);
  node.tree.Container("cpu,cpuacct", "cpu.shares", "7\n");
  CHECK(reader.Read().pods.at(0).containers.at(0).usage.cpu.shares == 7U);
}

TEST_CASE("whether a process is still in a container") {
  for (const std::size_t max_kept : {kPlenty, std::size_t{0}}) {
    const V1Tree tree;
    tree.Write("memory/x" + kPodPath + "/cgroup.procs", "");
    tree.Write("memory/x" + kContainerPath + "/cgroup.procs", "7\n");
    const test::FakeClock clock(0);
    CgroupReader reader(tree.roots(), clock, max_kept, 100);
    CHECK(!reader.HasProcess(kContainerPath, 42));
    (void)reader.Read();
    CHECK(reader.HasProcess(kContainerPath, 42) == (max_kept > 0));
    CHECK(reader.HasProcess("/x" + kContainerPath, 7) == (max_kept > 0));
    CHECK(!reader.HasProcess(kContainerPath, 7));
    CHECK(!reader.HasProcess(kContainerPath + "a", 42));
    CHECK(!reader.HasProcess(kPodPath + "/none", 42));
    tree.Container("memory", "cgroup.procs", "43\n");
    CHECK(!reader.HasProcess(kContainerPath, 42));
  }
}

TEST_CASE("files longer than a page are read whole") {
  Node node(kPlenty);
  constexpr int kProcesses = 30'000;
  std::string pids;
  for (int pid = 1; pid <= kProcesses; ++pid) pids += std::to_string(pid) + "\n";
  node.tree.Container("memory", "cgroup.procs", pids);
  CHECK(node.ReadContainer().usage.processes == static_cast<std::uint64_t>(kProcesses));
  CHECK(node.ReadContainer().usage.processes == static_cast<std::uint64_t>(kProcesses));
}
