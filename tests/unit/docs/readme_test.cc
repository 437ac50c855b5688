// SPDX-License-Identifier: Apache-2.0
// README.md's tables are made from the code's own: settings, routes, parameters, metrics. UPDATE_GOLDEN=1 writes them.
#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>

#include "aggregator/api/handlers.h"
#include "aggregator/api/metrics_page.h"
#include "aggregator/api/query.h"
#include "aggregator/commands/export_command.h"
#include "aggregator/commands/import_command.h"
#include "aggregator/config.h"
#include "common/exposition/process_metrics.h"
#include "exporter/config.h"
#include "exporter/metric_defs.h"
#include "exporter/node_metrics.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_store.h"
#include "tests/support/files.h"

using namespace cloudmon;  // NOLINT: a test

namespace {

constexpr const char* kReadme = "README.md";
const std::string kFlagsHeader = "| flag | default | |\n|---|---|---|\n";

// Compares the text between `<!-- begin NAME -->` and `<!-- end NAME -->`, or replaces it.
void CheckSection(const std::string& name, const std::string& table) {
  const std::string begin = "<!-- begin " + name + " -->\n";
  const std::string end = "<!-- end " + name + " -->";
  std::string readme = test::ReadText(kReadme);
  const auto from = readme.find(begin);
  REQUIRE_MESSAGE(from != std::string::npos, "README.md has no ", begin);
  const auto start = from + begin.size();
  const auto stop = readme.find(end, start);
  REQUIRE_MESSAGE(stop != std::string::npos, "README.md has no ", end);
  if (std::getenv("UPDATE_GOLDEN") != nullptr) {
    readme.replace(start, stop - start, table);
    std::ofstream(kReadme, std::ios::binary) << readme;
    return;
  }
  CHECK_MESSAGE(readme.substr(start, stop - start) == table, "README.md, section ", name,
                ": differs from the code; run this test with UPDATE_GOLDEN=1");
}

class MetricTable {
 public:
  void Add(const exposition::MetricDef& def, std::string_view labels) {
    if (def.name.empty() || def.name == last_) return;
    last_ = def.name;
    text_ += "| `" + std::string(def.name) + "` | " + (def.type == exposition::MetricType::kCounter ? "C" : "G") +
             " | " + std::string(labels) + " | " + std::string(def.help) + " |\n";
  }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string_view last_;
  std::string text_ = "| metric | | labels | what |\n|---|---|---|---|\n";
};

constexpr std::string_view kContainer = "container labels";
constexpr std::string_view kPod = "pod labels";

std::string MetricsMarkdown() {
  MetricTable table;
  for (const auto& m : ContainerMetrics()) {
    table.Add(m.def, m.extra_labels.empty() ? kContainer : "container labels, `failure_type`");
  }
  for (const auto& m : DeviceMetrics()) table.Add(m.container, "container labels, `device`");
  for (const auto& m : PodMetrics()) table.Add(m.def, kPod);
  for (const auto& m : DeviceMetrics()) table.Add(m.pod, "pod labels, `device`");
  for (const auto& m : InterfaceMetrics()) table.Add(m.pod, "pod labels, `interface`");
  table.Add(kNodeCpuSeconds, "`cpu`, `mode`");
  table.Add(kNodeCpuUsage, "");
  for (const auto& m : NodeMemoryMetrics()) table.Add(m.def, "");
  table.Add(kNodeWorkingSet, "");
  for (const auto& m : NodeLoadMetrics()) table.Add(m.def, "");
  for (const auto& m : NodePressureMetrics()) table.Add(m.def, "");
  table.Add(kNodeBootTime, "");
  for (const auto& m : NodeDiskMetrics()) table.Add(m.def, "`device`");
  for (const auto& m : InterfaceMetrics()) table.Add(m.node, "`device`");
  for (const auto& m : NodeFileSystemMetrics()) table.Add(m.def, "`device`, `mountpoint`, `fstype`");
  table.Add(kPodInfo, "pod labels, `pod_uid`, `qos`, `host_network`, `sandbox_id`, `pause_pid`, `cgroup_path`");
  table.Add(kContainerInfo, "`namespace`, `pod`, `container`, `container_id`, `image`");
  table.Add(kNodeInfo, "`node`, `kernel`, `cgroup_version`, `container_runtime`");
  for (const auto& m : SelfMetrics()) table.Add(m.def, m.labels);
  for (const auto& m : exposition::ProcessMetrics()) table.Add(m, "");
  return table.text() +
         "\nPod labels: `namespace`, `pod`, `deployment`, `workload`, `workload_type`. Container labels: these, "
         "`container` and "
         "`image`.\n";
}

std::string RoutesMarkdown() {
  const test::FakeClock clock(0);
  const test::FakeStore store;
  const api::ApiDeps deps = {.store = store, .clock = clock};
  std::string out = "| route | |\n|---|---|\n";
  const http::Router router = api::BuildRouter(deps);
  for (const http::Route& route : router.routes()) {
    out += "| `" + route.method + " " + route.pattern + "` | " + route.summary + " |\n";
  }
  return out;
}

}  // namespace

TEST_CASE("README's settings are those of the programs") {
  ExporterConfig exporter;
  CheckSection("exporter-flags", kFlagsHeader + ExporterOptions(exporter)->MarkdownTable());
  AggregatorConfig aggregator;
  CheckSection("aggregator-flags", kFlagsHeader + AggregatorOptions(aggregator)->MarkdownTable());
  ExportSettings exported;
  CheckSection("export-flags", kFlagsHeader + ExportOptions(exported)->MarkdownTable());
  ImportSettings imported;
  CheckSection("import-flags", kFlagsHeader + ImportOptions(imported)->MarkdownTable());
}

TEST_CASE("README's routes and parameters are those of the API") {
  CheckSection("routes", RoutesMarkdown());
  CheckSection("parameters", "| parameter | meaning | default |\n|---|---|---|\n" + api::ParametersMarkdown());
}

TEST_CASE("README's metrics are those of the tables") {
  CheckSection("metrics", MetricsMarkdown());
  CheckSection("aggregator-metrics", "| metric | | labels | what |\n|---|---|---|---|\n" + api::MetricsMarkdown());
}
