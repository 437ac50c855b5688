// SPDX-License-Identifier: Apache-2.0
#include "exporter/config.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace cloudmon;  // NOLINT: a test

TEST_CASE("defaults, and what flags change") {
  ExporterConfig config;
  const auto table = ExporterOptions(config);
  const char* const none[] = {"exporter"};
  REQUIRE(table->Parse(1, none).ok());
  CHECK(FinishConfig(config).ok());
  CHECK(config.listen_address == ":9780");
  CHECK(!config.node_name.empty());
  const char* const flags[] = {"exporter", "--node.name=n\xFF", "--identity.sources=podlogs", "--no-collector.node",
                               "--cri.endpoint=/run/a.sock"};
  REQUIRE(table->Parse(5, flags).ok());
  CHECK(FinishConfig(config).ok());
  CHECK(config.node_name == "n\xEF\xBF\xBD");
  CHECK(config.identity_sources == std::vector<std::string>{"podlogs"});
  CHECK(!config.collectors.node);
}

TEST_CASE("settings that cannot be are refused by name") {
  struct Bad {
    std::vector<std::string> sources;
    std::string endpoint, message;
  };
  const Bad table[] = {
      {{"cri", "dns"}, "", "identity.sources: unknown source 'dns'; known are cri and podlogs"},
      {{"cri", "cri"}, "", "identity.sources: 'cri' is named twice"},
      {{"cri"}, "tcp://host:1", "cri.endpoint: expected unix:///path/to/socket, got 'tcp://host:1'"},
      {{"cri"}, "unix://run/x", "cri.endpoint: expected unix:///path/to/socket, got 'unix://run/x'"},
  };
  for (const Bad& bad : table) {
    ExporterConfig config;
    config.identity_sources = bad.sources;
    config.cri_endpoint = bad.endpoint;
    const Status status = FinishConfig(config);
    REQUIRE(!status.ok());
    CHECK(status.error().message == bad.message);
  }
}

TEST_CASE("the number of kept descriptors is not negative") {
  ExporterConfig config;
  config.kept_descriptors = 0;
  CHECK(FinishConfig(config).ok());
  config.kept_descriptors = -1;
  const Status status = FinishConfig(config);
  REQUIRE(!status.ok());
  CHECK(status.error().message.starts_with("collector.cgroup.kept-descriptors"));
}
