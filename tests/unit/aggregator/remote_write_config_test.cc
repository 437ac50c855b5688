// SPDX-License-Identifier: Apache-2.0
#include "aggregator/remote_write_config.h"

#include <doctest/doctest.h>

#include <functional>
#include <string>

using namespace cloudmon;  // NOLINT: a test

namespace {

RemoteWriteConfig Good() {
  RemoteWriteConfig config;
  config.url = "https://metrics.example";
  return config;
}

// What is said of a good configuration that was changed; empty: nothing.
std::string Said(const std::function<void(RemoteWriteConfig&)>& change) {
  RemoteWriteConfig config = Good();
  change(config);
  const Status status = FinishRemoteWrite(config);
  if (status.ok()) return {};
  CHECK(status.error().code == ErrorCode::kInvalid);
  return status.error().message;
}

}  // namespace

TEST_CASE("remote_write is off without a URL, and then nothing else may be set") {
  RemoteWriteConfig config;
  REQUIRE(FinishRemoteWrite(config).ok());
  CHECK(config == RemoteWriteConfig{});
  CHECK(Said([](auto& c) { c = {}, c.external_labels = {"a=b"}; }) ==
        "remote-write.url: is empty, so the other remote-write settings have no effect; set it, or remove them");
}

TEST_CASE("a URL without a path gets the usual one") {
  RemoteWriteConfig config = Good();
  REQUIRE(FinishRemoteWrite(config).ok());
  CHECK(config.url == "https://metrics.example/api/v1/write");
  config.url = "http://mimir:8080/api/v1/push?x=1";
  REQUIRE(FinishRemoteWrite(config).ok());
  CHECK(config.url == "http://mimir:8080/api/v1/push?x=1");
}

TEST_CASE("settings that cannot be") {
  CHECK(Said([](auto& c) { c.url = "ftp://h"; }) ==
        "remote-write.url: expected a URL such as https://metrics.example/api/v1/write, got 'ftp://h'");
  CHECK(Said([](auto& c) { c.url = "http://me:secret@h"; }) ==
        "remote-write.url: expected a URL without a user name; these go into remote-write.username and "
        "remote-write.password-file");
  CHECK(Said([](auto& c) { c.external_labels = {"cluster"}; }) ==
        "remote-write.external-labels: expected NAME=VALUE such as cluster=eu-1, got 'cluster'");
  CHECK(Said([](auto& c) { c.bearer_token_file = "t", c.username = "me", c.password_file = "p"; }) ==
        "remote-write.bearer-token-file and remote-write.username: expected one of them, got both");
  const std::string both = "remote-write.username and remote-write.password-file: expected both or neither";
  CHECK(Said([](auto& c) { c.username = "me"; }) == both);
  CHECK(Said([](auto& c) { c.password_file = "p"; }) == both);
  CHECK(Said([](auto& c) { c.username = "m:e", c.password_file = "p"; }) ==
        "remote-write.username: expected a name without ':'");
  CHECK(Said([](auto& c) { c.timeout = std::chrono::milliseconds(999); }) ==
        "remote-write.timeout: expected 1s to 5m, got 999ms");
  CHECK(Said([](auto& c) { c.timeout = std::chrono::minutes(6); }) ==
        "remote-write.timeout: expected 1s to 5m, got 6m");
  CHECK(Said([](auto& c) { c.max_samples_per_send = 99; }) ==
        "remote-write.max-samples-per-send: expected 100 to 1000000, got 99");
  CHECK(Said([](auto& c) { c.max_samples_per_send = 1'000'001; }) ==
        "remote-write.max-samples-per-send: expected 100 to 1000000, got 1000001");
  CHECK(Said([](auto& c) { c.username = "me", c.password_file = "p", c.external_labels = {"a=b", "c=d"}; }).empty());
}
