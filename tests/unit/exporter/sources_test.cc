// SPDX-License-Identifier: Apache-2.0
#include "exporter/sources.h"

#include <doctest/doctest.h>

#include <string>

#include "tests/support/fake_clock.h"

namespace cloudmon {
namespace {

const char* Outside(const char*) {
  return nullptr;
}

TEST_CASE("where the API server is") {
  const auto set = KubernetesApi({.api_url = "https://h:6443", .token_file = "/t", .ca_file = "/c"}, Outside);
  REQUIRE(set.ok());
  CHECK(set.value().url == "https://h:6443");
  CHECK(set.value().token_file == "/t");
  CHECK(set.value().ca_file == "/c");
  CHECK(set.value().verify_tls);
  CHECK(KubernetesApi({}, Outside).error().code == ErrorCode::kNotFound);
}

TEST_CASE("where the kubelet is") {
  ExporterConfig config;
  config.node_name = "node-a";
  const std::string account = kube::kServiceAccountDir;
  CHECK(KubeletApi(config).url == "https://node-a:10250");
  CHECK(KubeletApi(config).token_file == account + "/token");
  CHECK(KubeletApi(config).ca_file == account + "/ca.crt");
  CHECK(KubeletApi(config).verify_tls);

  config.kubernetes = {.api_url = "", .token_file = "/t", .ca_file = "/c"};
  CHECK(KubeletApi(config).token_file == "/t");
  CHECK(KubeletApi(config).ca_file == "/c");
  config.kubelet = {.url = "https://10.0.0.7:10250", .ca_file = "/k", .insecure_skip_verify = false};
  CHECK(KubeletApi(config).url == "https://10.0.0.7:10250");
  CHECK(KubeletApi(config).ca_file == "/k");
  config.kubelet.insecure_skip_verify = true;
  CHECK(!KubeletApi(config).verify_tls);
}

TEST_CASE("sources in their order") {
  const test::FakeClock clock(0);
  ExporterConfig config;
  config.identity_sources = {"podlogs", "kubelet", "cri"};
  const auto sources = MakeSources(config, Outside, clock);
  REQUIRE(sources.ok());
  REQUIRE(sources.value().size() == 3);
  for (std::size_t i = 0; i < 3; ++i) CHECK(sources.value()[i]->name() == config.identity_sources[i]);

  config.identity_sources = {"kubernetes"};
  const auto outside = MakeSources(config, Outside, clock);
  REQUIRE(!outside.ok());
  CHECK(outside.error().message.starts_with("identity source kubernetes: "));
  CHECK(outside.error().message.find("kubernetes.api-url") != std::string::npos);
}

}  // namespace
}  // namespace cloudmon
