// SPDX-License-Identifier: Apache-2.0
// Where kubepods is, and when it is looked for.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "exporter/cgroup/reader.h"
#include "tests/support/fake_clock.h"
#include "tests/support/files.h"

using namespace cloudmon;
using namespace cloudmon::cgroup;
namespace fs = std::filesystem;

namespace {

class V2Tree {
 public:
  V2Tree() { dir_.Write("cgroup.controllers", ""); }
  void Pod(const std::string& path) const { dir_.Write(path + "/cgroup.procs", ""); }
  void Remove(const std::string& path) const { fs::remove_all(dir_.path() + "/" + path); }
  [[nodiscard]] Roots roots() const {
    return Roots{.procfs = dir_.path() + "/none", .cgroup = dir_.path(), .rootfs = {}, .podlogs = {}};
  }

 private:
  test::TempDir dir_;
};

std::vector<std::string> Paths(CgroupReader& reader) {
  std::vector<std::string> paths;
  const CgroupScan scan = reader.Read();
  CHECK(scan.errors.empty());
  for (const Pod& pod : scan.pods) paths.push_back(pod.cgroup_path);
  std::ranges::sort(paths);
  return paths;
}

using Expected = std::vector<std::string>;

}  // namespace

TEST_CASE("kubepods is found below prefixes, several of them, not too deep and not in itself") {
  const V2Tree tree;
  tree.Pod("kubepods/poda1");
  tree.Pod("kubepods/kubepods/poda2");
  tree.Pod("kubepods/poda1/x/kubepods/poda3");
  tree.Pod("system.slice/docker-1.scope/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-podb1.slice");
  tree.Pod("docker/1/kubelet/kubepods/besteffort/podb2");
  tree.Pod("1/2/3/4/5/kubepods/podc1");
  tree.Pod("1/2/3/4/5/6/kubepods/podc2");
  tree.Pod("user.slice/podd1");
  const test::FakeClock clock(0);
  CgroupReader reader(tree.roots(), clock, 4096, 100);
  CHECK(Paths(reader) ==
        Expected{"/1/2/3/4/5/kubepods/podc1", "/docker/1/kubelet/kubepods/besteffort/podb2", "/kubepods/poda1",
                 "/system.slice/docker-1.scope/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-podb1.slice"});
}

TEST_CASE("a kubepods that appears shows within 10 s, one that goes makes others show at once") {
  const V2Tree tree;
  test::FakeClock clock(0);
  CgroupReader reader(tree.roots(), clock, 4096, 100);
  CHECK(Paths(reader).empty());
  tree.Pod("kubepods/poda1");
  clock.Advance(5'000);
  CHECK(Paths(reader).empty());
  clock.Advance(4'900);  // a scrape that comes a little early
  CHECK(Paths(reader) == Expected{"/kubepods/poda1"});
  tree.Pod("kubepods/burstable/poda2");  // below a known one: at once
  tree.Pod("kubepods.slice/kubepods-poda3.slice");
  CHECK(Paths(reader) == Expected{"/kubepods/burstable/poda2", "/kubepods/poda1"});
  tree.Remove("kubepods");
  CHECK(Paths(reader) == Expected{"/kubepods.slice/kubepods-poda3.slice"});
}
