// SPDX-License-Identifier: Apache-2.0
// config/*.yaml load, show every setting, and say the defaults.
#include <doctest/doctest.h>

#include <sstream>
#include <string>

#include "aggregator/config.h"
#include "exporter/config.h"
#include "tests/support/files.h"

using namespace cloudmon;  // NOLINT: a test

namespace {

// The table's rows without those of flags that say how to start.
std::string Settings(const config::OptionTable& table) {
  std::istringstream rows(table.MarkdownTable());
  std::string kept;
  for (std::string row; std::getline(rows, row);) {
    const bool about_start =
        row.find("config.file") != std::string::npos || row.find("check-config") != std::string::npos;
    if (!about_start) kept += row + "\n";
  }
  return kept;
}

void Load(config::OptionTable& table, const std::string& file) {
  const std::string flag = "--config.file=" + file;
  const char* argv[] = {"program", flag.c_str()};
  const auto action = table.Parse(2, argv);
  REQUIRE_MESSAGE(action.ok(), action.error().message);
}

void CheckShowsAll(const config::OptionTable& table, const std::string& file) {
  const std::string text = test::ReadText(file);
  std::istringstream rows(Settings(table));
  for (std::string row; std::getline(rows, row);) {
    const auto dot = row.find('.');  // "| `--[no-]collector.cgroup` | ..."
    const std::string key = row.substr(dot + 1, row.find_first_of("=`", dot) - dot - 1);
    CAPTURE(key);
    CHECK(text.find("\n  " + key + ":") != std::string::npos);
  }
}

}  // namespace

TEST_CASE("config/exporter.yaml") {
  ExporterConfig config;
  const auto table = ExporterOptions(config);
  const std::string defaults = Settings(*table);
  Load(*table, "config/exporter.yaml");
  CHECK(Settings(*table) == defaults);
  CheckShowsAll(*table, "config/exporter.yaml");
}

TEST_CASE("config/aggregator.yaml") {
  AggregatorConfig config;
  const auto table = AggregatorOptions(config);
  const std::string defaults = Settings(*table);
  Load(*table, "config/aggregator.yaml");
  CHECK(config.scrape_targets == std::vector<std::string>{"127.0.0.1:9780"});
  config.scrape_targets.clear();  // the one that an example needs
  CHECK(Settings(*table) == defaults);
  CheckShowsAll(*table, "config/aggregator.yaml");
}
