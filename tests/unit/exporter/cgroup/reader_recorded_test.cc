// SPDX-License-Identifier: Apache-2.0
// The reader on the recorded cgroup v2 nodes.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <string>

#include "exporter/cgroup/reader.h"
#include "tests/support/fake_clock.h"
#include "tests/support/files.h"
#include "tests/support/place_of_path.h"
#include "tests/support/recorded_tree.h"
#include "tests/unit/exporter/cgroup/scan_text.h"

using namespace cloudmon;
using cgroup::CgroupReader;
using cgroup::CgroupScan;

namespace {

std::size_t OpenDescriptors() {
  const auto entries = std::filesystem::directory_iterator("/dev/fd");
  return static_cast<std::size_t>(std::distance(begin(entries), end(entries)));
}

}  // namespace

TEST_CASE("recorded nodes: every value") {
  const test::FakeClock clock(0);
  for (const std::string_view node : test::kRecordedNodes) {
    CAPTURE(node);
    CgroupReader reader(test::RecordedRoots(node), clock, 4096, 100);
    const CgroupScan scan = reader.Read();
    CHECK(scan.errors.empty());
    const std::string text = test::ScanText(scan);
    test::CheckGolden("cgroup/" + std::string(node) + ".txt", text);
    CHECK(test::ScanText(reader.Read()) == text);
  }
}

TEST_CASE("recorded nodes: each process is found in its container") {
  const test::FakeClock clock(0);
  for (const std::string_view node : test::kRecordedNodes) {
    CAPTURE(node);
    CgroupReader reader(test::RecordedRoots(node), clock, 4096, 100);
    const CgroupScan scan = reader.Read();
    CHECK(scan.pods.size() == 5);
    std::set<std::pair<std::uint32_t, std::string>> found;
    for (const auto& pod : scan.pods) {
      for (const auto& container : pod.containers) {
        for (const std::uint32_t pid : container.pids) found.emplace(pid, container.id);
      }
    }
    for (const auto& container : test::RecordedContainers(node)) {
      const std::string id = test::PlaceOfPath(container.cgroup_path).container_id;
      if (id.empty() || !container.pid || container.name == "e-zombie-gone") continue;
      CAPTURE(container.name);
      CHECK(found.contains({*container.pid, id}));
    }
  }
}

TEST_CASE("without mountinfo the directory says what it is") {
  const test::FakeClock clock(0);
  const test::TempDir empty;
  Roots roots = test::RecordedRoots("systemd");
  const std::string boot = test::ReadText(roots.procfs + "/stat");
  CgroupReader with(roots, clock, 4096, 100);
  empty.Write("stat", boot);
  roots.procfs = empty.path();
  CgroupReader without(roots, clock, 4096, 100);
  CHECK(test::ScanText(with.Read()) == test::ScanText(without.Read()));
  // A mountinfo of another machine: what it names is not there.
  empty.Write("1/mountinfo", "32 31 0:29 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n");
  CgroupReader other(roots, clock, 4096, 100);
  CHECK(other.Read().version == "v2");
}

TEST_CASE("a scan leaves no descriptor open") {
  const test::FakeClock clock(0);
  CgroupReader reader(test::RecordedRoots("cgroupfs"), clock, 4096, 100);
  (void)reader.Read();
  const std::size_t before = OpenDescriptors();
  for (int i = 0; i < 5; ++i) (void)reader.Read();
  CHECK(OpenDescriptors() == before);
}
