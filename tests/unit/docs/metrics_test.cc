// SPDX-License-Identifier: Apache-2.0
// docs/metrics.md's tables are made from the metric tables of both programs. UPDATE_GOLDEN=1 writes them.
#include <doctest/doctest.h>

#include <map>
#include <set>
#include <string>
#include <string_view>

#include "aggregator/api/metrics_page.h"
#include "common/exposition/metric_row.h"
#include "common/exposition/process_metrics.h"
#include "common/text.h"
#include "exporter/metric_defs.h"
#include "exporter/node_metrics.h"
#include "tests/support/files.h"
#include "tests/unit/docs/section.h"

using namespace cloudmon;  // NOLINT: a test
using exposition::MetricRow;

namespace {

constexpr const char* kDocument = "docs/metrics.md";
constexpr std::string_view kContainerLabels = "namespace, pod, container, image, deployment, workload, workload_type";
constexpr std::string_view kPodLabels = "namespace, pod, deployment, workload, workload_type";
const std::string kColumns = "| metric | type | unit | labels | meaning |";
const std::string kRule = "\n|---|---|---|---|---|";

const std::string kPlain = kColumns + kRule + "\n";
const std::string kWithSource = kColumns + " source |" + kRule + "---|\n";
const std::string kWithCgroups = kColumns + " cgroup v2 | cgroup v1 |" + kRule + "---|---|\n";

std::string Containers() {
  std::string rows = kWithCgroups;
  std::string_view last;
  for (const auto& m : ContainerMetrics()) {
    if (m.def.name == last) continue;
    last = m.def.name;
    rows += MetricRow(m.def, m.extra_labels.empty() ? "container labels" : "container labels, failure_type",
                      {m.source.v2, m.source.v1});
  }
  for (const auto& m : DeviceMetrics()) {
    rows += MetricRow(m.container, "container labels, device", {m.source.v2, m.source.v1});
  }
  return rows;
}

std::string Pods() {
  std::string rows = kWithCgroups;
  for (const auto& m : PodMetrics()) rows += MetricRow(m.def, "pod labels", {m.source.v2, m.source.v1});
  for (const auto& m : DeviceMetrics()) {
    if (!m.pod.name.empty()) rows += MetricRow(m.pod, "pod labels, device", {m.source.v2, m.source.v1});
  }
  return rows;
}

std::string Network() {
  std::string rows = kWithSource;
  for (const auto& m : InterfaceMetrics()) {
    rows += MetricRow(m.pod, "pod labels, interface", {"PID/" + std::string(m.source)});
  }
  return rows;
}

std::string Node() {
  std::string rows = kWithSource;
  const auto add = [&](const auto& table, std::string_view labels) {
    for (const auto& m : table) rows += MetricRow(m.def, labels, {m.source});
  };
  rows += MetricRow(kNodeTime.def, "", {kNodeTime.source});
  rows += MetricRow(kNodeUname.def, "sysname, release, version, machine, nodename, domainname", {kNodeUname.source});
  rows += MetricRow(kNodeCpuSeconds.def, "cpu, mode", {kNodeCpuSeconds.source});
  rows += MetricRow(kNodeCpuUsage.def, "", {kNodeCpuUsage.source});
  add(NodeMemoryMetrics(), "");
  rows += MetricRow(kNodeWorkingSet.def, "", {kNodeWorkingSet.source});
  add(NodeLoadMetrics(), "");
  add(NodePressureMetrics(), "");
  add(NodeKernelMetrics(), "");
  add(NodeDiskMetrics(), "device");
  for (const auto& m : InterfaceMetrics()) rows += MetricRow(m.node, "device", {"1/" + std::string(m.source)});
  add(NodeFileSystemMetrics(), "device, mountpoint, fstype");
  return rows;
}

std::string Identity() {
  return kPlain + MetricRow(kPodInfo, "pod labels, pod_uid, qos, host_network, sandbox_id, pause_pid, cgroup_path") +
         MetricRow(kContainerInfo, "namespace, pod, container, container_id, image") +
         MetricRow(kNodeInfo, "node, kernel, cgroup_version, container_runtime");
}

std::string Exporter() {
  std::string rows = kPlain;
  for (const auto& m : SelfMetrics()) rows += MetricRow(m.def, m.labels);
  for (const auto& def : exposition::ProcessMetrics()) rows += MetricRow(def, "");
  return rows;
}

// What the document says of a metric's labels.
std::set<std::string> LabelSet(std::string_view cell) {
  std::set<std::string> labels;
  while (!cell.empty()) {
    const std::string_view label = text::Trim(text::Cut(cell, ','));
    if (label == "container labels") labels.merge(LabelSet(kContainerLabels));
    if (label == "pod labels") labels.merge(LabelSet(kPodLabels));
    if (!label.ends_with(" labels")) labels.emplace(label);
  }
  return labels;
}

std::map<std::string, std::set<std::string>> DocumentedLabels() {
  std::map<std::string, std::set<std::string>> labels;
  const std::string document = test::ReadText(kDocument);
  for (std::string_view rest = document; !rest.empty();) {
    std::string_view row = text::CutLine(rest);
    if (!row.starts_with("| `")) continue;
    row.remove_prefix(3);
    const std::string name(text::Cut(row, '`'));
    for (int column = 0; column < 3; ++column) text::Cut(row, '|');
    labels[name] = LabelSet(text::Trim(text::Cut(row, '|')));
  }
  return labels;
}

// The names of the labels in `a="x",b="y"`.
std::set<std::string> LabelNames(std::string_view labels) {
  std::set<std::string> names;
  for (auto quote = labels.find("=\""); quote != std::string_view::npos; quote = labels.find("=\"", quote + 1)) {
    const auto begin = labels.find_last_of(",{", quote) + 1;
    names.emplace(labels.substr(begin, quote - begin));
  }
  return names;
}

}  // namespace

TEST_CASE("docs/metrics.md is made from the tables") {
  test::CheckSection(kDocument, "containers", Containers());
  test::CheckSection(kDocument, "pods", Pods());
  test::CheckSection(kDocument, "network", Network());
  test::CheckSection(kDocument, "node", Node());
  test::CheckSection(kDocument, "identity", Identity());
  test::CheckSection(kDocument, "exporter", Exporter());
  test::CheckSection(kDocument, "aggregator", kPlain + api::MetricsMarkdown());
  test::CheckSection(kDocument, "rollups", kPlain + api::RollupsMarkdown());
}

TEST_CASE("each series of the golden pages is in docs/metrics.md with its labels") {
  const auto documented = DocumentedLabels();
  for (const std::string page : {"exporter/families.txt", "api/metrics.txt"}) {
    const std::string text = test::ReadText("tests/golden/" + page);
    for (std::string_view rest = text; !rest.empty();) {
      const std::string_view line = text::CutLine(rest);
      if (line.starts_with('#')) continue;
      const std::string name(line.substr(0, line.find_first_of("{ ")));
      CAPTURE(line);
      REQUIRE(documented.contains(name));
      CHECK(documented.at(name) == LabelNames(line.substr(name.size())));
    }
  }
}

TEST_CASE("README names only series that there are") {
  const auto documented = DocumentedLabels();
  const std::string readme = test::ReadText("README.md");
  const auto begin = readme.find("\n## Metrics\n");
  REQUIRE(begin != std::string::npos);
  std::string_view rest = std::string_view(readme).substr(begin + 1);
  rest = rest.substr(0, rest.find("\n## "));
  std::size_t names = 0;
  for (text::Cut(rest, '`'); !rest.empty(); text::Cut(rest, '`')) {
    const std::string name(text::Cut(rest, '`'));
    if (!name.ends_with("_total") && !name.ends_with("_bytes") && !name.starts_with("cloudmon_")) continue;
    CAPTURE(name);
    CHECK(documented.contains(name));
    ++names;
  }
  CHECK(names > 20);
}
