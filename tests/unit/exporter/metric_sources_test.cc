// SPDX-License-Identifier: Apache-2.0
// What the metric tables say of the files that values come from: without that file, or that line of it, there is no
// value.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "common/text.h"
#include "exporter/cgroup/reader.h"
#include "exporter/metric_defs.h"
#include "tests/support/fake_clock.h"
#include "tests/support/files.h"
#include "tests/support/recorded_tree.h"
#include "tests/unit/exporter/cgroup/v1_tree.h"

using namespace cloudmon;  // NOLINT: a test
namespace fs = std::filesystem;

namespace {

bool HasValue(const Roots& roots, const UsageMetric& metric) {
  const test::FakeClock clock(0);
  const cgroup::CgroupScan scan = cgroup::CgroupReader(roots, clock, 0, 100).Read();
  for (const cgroup::Pod& pod : scan.pods) {
    for (const cgroup::Container& container : pod.containers) {
      if (metric.whole != nullptr ? metric.whole(container.usage).has_value()
                                  : metric.real(container.usage).has_value())
        return true;
    }
  }
  return false;
}

std::set<std::string_view> Words(std::string_view text) {
  std::set<std::string_view> words;
  for (std::string_view word = text::CutToken(text); !word.empty(); word = text::CutToken(text)) {
    words.insert(text::Cut(word, ','));
  }
  return words;
}

std::string WithoutLines(std::string_view text, const std::set<std::string_view>& keys) {
  std::string kept;
  while (!text.empty()) {
    const std::string_view line = text::CutLine(text);
    std::string_view rest = line;
    if (!keys.contains(text::CutToken(rest))) kept.append(line).append("\n");
  }
  return kept;
}

// Takes the lines that `source` names out of all files of its name, or, where it names none, the files themselves.
// Returns what was in them.
std::map<fs::path, std::string> TakeOut(const std::string& cgroups, std::string_view source) {
  const std::string file(text::Cut(source, ' '));
  const auto name = file.substr(0, file.find(','));
  std::map<fs::path, std::string> before;
  for (const auto& entry : fs::recursive_directory_iterator(cgroups)) {
    if (entry.path().filename() == name) before[entry.path()] = test::ReadText(entry.path());
  }
  for (const auto& [path, text] : before) {
    const std::string kept = WithoutLines(text, Words(source));
    fs::remove(path);
    if (kept != text) std::ofstream(path) << kept;
  }
  return before;
}

void CheckSources(const Roots& roots, std::string_view CgroupSource::*version) {
  for (const UsageMetric& metric : ContainerMetrics()) {
    const std::string_view source = metric.source.*version;
    if (source.starts_with("mtime ")) continue;
    CAPTURE(metric.def.name);
    CAPTURE(source);
    CHECK(HasValue(roots, metric));
    const auto before = TakeOut(roots.cgroup, source);
    CHECK_FALSE(HasValue(roots, metric));
    for (const auto& [path, text] : before) std::ofstream(path) << text;
  }
}

}  // namespace

TEST_CASE("sources of container metrics, cgroup v2") {
  const Roots recorded = test::RecordedRoots("systemd-6.12");
  const test::TempDir dir;
  Roots copy = recorded;
  copy.cgroup = dir.path() + "/cgroup";
  fs::copy(recorded.cgroup, copy.cgroup, fs::copy_options::recursive);
  CheckSources(copy, &CgroupSource::v2);
}

TEST_CASE("sources of container metrics, cgroup v1") {
  const test::V1Tree tree({"cpu,cpuacct", "memory", "pids", "unified"});
  const std::string cpu = "cpu,cpuacct";
  tree.Container(cpu, "cpuacct.usage", "1000000007\n");
  tree.Container(cpu, "cpuacct.stat", "user 60\nsystem 40\n");
  tree.Container(cpu, "cpu.shares", "512\n");
  tree.Container(cpu, "cpu.cfs_quota_us", "50000\n");
  tree.Container(cpu, "cpu.cfs_period_us", "100000\n");
  tree.Container(cpu, "cpu.stat", "nr_periods 30\nnr_throttled 20\nthrottled_time 900\n");
  tree.Container("memory", "memory.usage_in_bytes", "1000\n");
  tree.Container("memory", "memory.stat",
                 "total_cache 300\ntotal_rss 600\ntotal_mapped_file 3\ntotal_inactive_file 250\ntotal_swap 5\n"
                 "total_pgfault 7\ntotal_pgmajfault 1\n");
  tree.Container("memory", "memory.max_usage_in_bytes", "2000\n");
  tree.Container("memory", "memory.limit_in_bytes", "9223372036854771712\n");
  tree.Container("memory", "memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n");
  tree.Container("pids", "pids.current", "3\n");
  tree.Container("pids", "pids.max", "max\n");
  for (const std::string resource : {"cpu", "memory", "io"}) {
    tree.Container("unified", resource + ".pressure",
                   "some avg10=0.00 avg60=0.00 avg300=0.00 total=1\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=1\n");
  }
  CheckSources(tree.roots(), &CgroupSource::v1);
}
