// SPDX-License-Identifier: Apache-2.0
#include "exporter/config.h"

#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <utility>
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
      {{"cri", "dns"}, "", "identity.sources: unknown source 'dns'; known are kubernetes, kubelet, cri and podlogs"},
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

TEST_CASE("addresses of servers have no path") {
  const auto finish = [](const std::string& api_url, const std::string& kubelet_url) {
    ExporterConfig config;
    config.identity_sources = {"kubernetes", "kubelet", "podlogs"};
    config.kubernetes.api_url = api_url;
    config.kubelet.url = kubelet_url;
    const Status status = FinishConfig(config);
    return status.ok() ? "" : status.error().message;
  };
  CHECK(finish("", "").empty());
  CHECK(finish("https://10.96.0.1:443", "https://node-a:10250").empty());
  CHECK(finish("http://127.0.0.1:8001", "https://[::1]:10250").empty());
  for (const std::string bad :
       {"10.96.0.1:443", "https://", "https:///x", "https://host/api", "ftp://host", "unix:///run/x", "https://a b"}) {
    CAPTURE(bad);
    CHECK(finish(bad, "") == "kubernetes.api-url: expected https://HOST:PORT without a path, got '" + bad + "'");
    CHECK(finish("", bad) == "kubelet.url: expected https://HOST:PORT without a path, got '" + bad + "'");
  }
}

TEST_CASE("settings of pushing") {
  // The url as it is used, or the error.
  const auto finish = [](const std::string& url, auto change) {
    ExporterConfig config;
    config.push.url = url;
    change(config.push);
    const Status status = FinishConfig(config);
    return status.ok() ? config.push.url : status.error().message;
  };
  const auto as_is = [](PushSettings&) {};
  const std::string used = "http://h:8082/api/ingest";
  CHECK(finish("", as_is).empty());
  CHECK(finish("http://h:8082", as_is) == used);
  CHECK(finish("h:8082", as_is) == "push.url: expected a URL such as http://aggregator:8082, got 'h:8082'");

  const std::string off = "push.url: is empty, so the other push settings have no effect; set it, or remove them";
  const auto token = [](PushSettings& p) { p.token_file = "/run/token"; };
  CHECK(finish("", token) == off);
  CHECK(finish("http://h:8082", token) == used);

  const auto interval = [](std::chrono::milliseconds ms) { return [ms](PushSettings& p) { p.interval = ms; }; };
  CHECK(finish("", interval(std::chrono::seconds{11})) == off);
  CHECK(finish("http://h:8082", interval(std::chrono::milliseconds{999})) ==
        "push.interval: expected 1s to 5m, got 999ms");
  CHECK(finish("http://h:8082", interval(std::chrono::seconds{1})) == used);
  CHECK(finish("http://h:8082", interval(std::chrono::minutes{5})) == used);
  CHECK(finish("http://h:8082", interval(std::chrono::seconds{301})) == "push.interval: expected 1s to 5m, got 301s");

  const auto queue = [](std::int64_t documents) { return [documents](PushSettings& p) { p.queue = documents; }; };
  CHECK(finish("", queue(61)) == off);
  CHECK(finish("http://h:8082", queue(0)) == "push.queue: expected 1 to 10000, got 0");
  CHECK(finish("http://h:8082", queue(1)) == used);
  CHECK(finish("http://h:8082", queue(10'000)) == used);
  CHECK(finish("http://h:8082", queue(10'001)) == "push.queue: expected 1 to 10000, got 10001");
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
