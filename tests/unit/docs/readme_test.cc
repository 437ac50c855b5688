// SPDX-License-Identifier: Apache-2.0
// README.md's tables are made from the code's own: settings, routes, parameters. UPDATE_GOLDEN=1 writes them.
#include <doctest/doctest.h>

#include <string>

#include "aggregator/api/handlers.h"
#include "aggregator/api/query.h"
#include "aggregator/commands/export_command.h"
#include "aggregator/commands/import_command.h"
#include "aggregator/config.h"
#include "exporter/config.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_store.h"
#include "tests/unit/docs/section.h"

using namespace cloudmon;  // NOLINT: a test

namespace {

const std::string kFlagsHeader = "| flag | default | |\n|---|---|---|\n";

void CheckSection(const std::string& name, const std::string& table) {
  test::CheckSection("README.md", name, table);
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
