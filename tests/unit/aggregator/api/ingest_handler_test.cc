// SPDX-License-Identifier: Apache-2.0
#include "aggregator/api/ingest_handler.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/http/gzip.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_store.h"

using namespace cloudmon;

namespace {

constexpr std::int64_t kNowMs = 1'795'369'213'500;  // 2026-11-22T17:40:13Z
constexpr std::string_view kDocument =
    R"({"timestamp": 1795369213, "node": "node-a", "node_data": {"memory_bytes": 7},
        "pods": [{"pod": "web-1", "namespace": "shop", "memory_bytes": 3}]})";

// The router with a push function that keeps what it gets.
struct Api {
  http::Response Post(std::string_view body, std::vector<std::pair<std::string, std::string>> headers = {}) {
    const test::FakeClock clock{kNowMs};
    api::ApiDeps deps{.store = store, .clock = clock};
    deps.options.max_ingest_bytes = max_bytes;
    deps.push = [this](scrape::PushedReading reading) {
      pushed.push_back(std::move(reading));
      return push_error ? Status(*push_error) : Status::Ok();
    };
    deps.ingest_token = [this] { return token; };
    http::Request request;
    request.method = "POST";
    request.path = "/api/ingest";
    request.remote_address = "10.0.0.7";
    request.headers = std::move(headers);
    request.body = body;
    return api::BuildRouter(deps).Dispatch(request);
  }
  http::Response PostAt(const std::string& timestamp) {
    return Post(R"({"node": "node-a", "timestamp": )" + timestamp + "}");
  }

  test::FakeStore store;
  std::size_t max_bytes = 4096;
  std::string token;
  std::optional<Error> push_error;
  std::vector<scrape::PushedReading> pushed;
};

std::string HeaderOf(const http::Response& response, std::string_view name) {
  for (const auto& [key, value] : response.headers) {
    if (key == name) return value;
  }
  return "";
}

void CheckError(const http::Response& response, int status, std::string_view code, std::string_view message) {
  CHECK(response.status == status);
  CHECK(response.content_type == "application/json");
  const auto json = nlohmann::json::parse(response.body, nullptr, false);
  REQUIRE(json.contains("error"));
  CHECK(json["error"]["code"] == code);
  CHECK(json["error"]["message"] == message);
}

}  // namespace

TEST_CASE("a document is handed on with its time, sender and size") {
  Api api;
  const http::Response response = api.Post(kDocument, {{"Content-Type", "application/json"}});
  CHECK(response.status == 200);
  CHECK(response.content_type == "application/json");
  CHECK(response.body == "{\"status\":\"ok\",\"accepted\":2}\n");
  REQUIRE(api.pushed.size() == 1);
  CHECK(api.pushed[0].measured_at_ms == 1'795'369'213'000);
  CHECK(api.pushed[0].from == "10.0.0.7");
  CHECK(api.pushed[0].body_bytes == kDocument.size());
  CHECK(api.pushed[0].reading.node == "node-a");
  CHECK(api.pushed[0].reading.node_reading.usage.memory_bytes == 7);
  REQUIRE(api.pushed[0].reading.pods.size() == 1);
  CHECK(api.pushed[0].reading.pods[0].usage.memory_bytes == 3);
}

TEST_CASE("content types") {
  Api api;
  for (const char* type : {"", "application/json", "application/json; charset=utf-8", "Application/JSON ;x=y"}) {
    CHECK(api.Post(kDocument, {{"content-type", type}}).status == 200);
  }
  for (const char* type : {"text/plain", "application/x-www-form-urlencoded", "application/json5", "json"}) {
    CheckError(api.Post(kDocument, {{"Content-Type", type}}), 415, "unsupported_media_type",
               "Content-Type: expected application/json, got '" + std::string(type) + "'");
  }
  CHECK(api.pushed.size() == 4);
}

TEST_CASE("compressed documents") {
  Api api;
  const std::string packed = http::Gzip(kDocument);
  CHECK(api.Post(packed, {{"Content-Encoding", "gzip"}}).status == 200);
  CHECK(api.Post(packed, {{"Content-Encoding", "X-GZIP"}}).status == 200);
  CHECK(api.Post(kDocument, {{"Content-Encoding", "identity"}}).status == 200);
  REQUIRE(api.pushed.size() == 3);
  CHECK(api.pushed[0].body_bytes == kDocument.size());

  const http::Response brotli = api.Post(packed, {{"Content-Encoding", "br"}});
  CheckError(brotli, 415, "unsupported_encoding", "Content-Encoding: expected gzip or none, got 'br'");
  CHECK(HeaderOf(brotli, "Accept-Encoding") == "gzip");
  CHECK(api.Post(packed, {{"Content-Encoding", "gzip, gzip"}}).status == 415);
  for (const std::string& broken : {std::string(), std::string(kDocument), packed.substr(0, packed.size() - 1)}) {
    const http::Response response = api.Post(broken, {{"Content-Encoding", "gzip"}});
    CHECK(response.status == 400);
    CHECK(nlohmann::json::parse(response.body)["error"]["code"] == "bad_encoding");
  }
  CHECK(api.Post(packed).status == 400);  // not said to be gzip
  CHECK(api.pushed.size() == 3);
}

TEST_CASE("large documents") {
  Api api;
  api.max_bytes = kDocument.size();
  CHECK(api.Post(kDocument).status == 200);
  CHECK(api.Post(http::Gzip(kDocument), {{"Content-Encoding", "gzip"}}).status == 200);
  const std::string longer = std::string(kDocument) + " ";
  const std::string limit = " must be at most " + std::to_string(kDocument.size()) + " bytes (ingest.max-body-bytes)";
  CheckError(api.Post(longer), 413, "body_too_large", "the body" + limit);
  CheckError(api.Post(http::Gzip(longer), {{"Content-Encoding", "gzip"}}), 413, "body_too_large",
             "the unpacked body" + limit);
  CHECK(api.pushed.size() == 2);
}

TEST_CASE("where a token is set it must be sent") {
  Api api;
  CHECK(api.Post(kDocument, {{"Authorization", "Bearer anything"}}).status == 200);  // none is set
  api.token = "s3cret";
  for (const char* sent : {"Bearer s3cret", "bearer s3cret", "BEARER   s3cret "}) {
    CHECK(api.Post(kDocument, {{"authorization", sent}}).status == 200);
  }
  CHECK(api.pushed.size() == 4);
  const std::string how =
      "send the header 'Authorization: Bearer TOKEN' with the token in this server's ingest.token-file";
  for (const char* sent : {"", "Bearer", "s3cret", "Basic s3cret", "Bearers3cret"}) {
    const http::Response response = api.Post(kDocument, {{"Authorization", sent}});
    CheckError(response, 401, "unauthorized", "a token is needed: " + how);
    CHECK(HeaderOf(response, "WWW-Authenticate") == "Bearer");
  }
  for (const char* sent : {"Bearer ", "Bearer s3cre", "Bearer s3cret2", "Bearer S3cret", "Bearer s3crets3cret"}) {
    CheckError(api.Post(kDocument, {{"Authorization", sent}}), 401, "unauthorized",
               "the token is not this server's: " + how);
  }
  CHECK(api.Post("not JSON", {{"Content-Type", "text/plain"}}).status == 401);  // before anything else is looked at
  CHECK(api.pushed.size() == 4);
}

TEST_CASE("documents that are not good") {
  Api api;
  CheckError(api.Post(R"({"timestamp": 1795369213, "node": "node-a", "pods": [{"memory_bytes": "1"}]})"), 400,
             "bad_document", "/pods/0/memory_bytes: expected a number, got a string");
  CHECK(api.Post("").status == 400);
  CheckError(api.Post("{\"node\": \"\xff\"}"), 400, "bad_document",
             "byte 11 (line 1, column 11): not UTF-8, which JSON has to be");
  // Bytes of a key that a message cuts within a character still make JSON.
  std::string key = "memory_";
  while (key.size() < 300) key += "ä";
  CHECK(nlohmann::json::accept(
      api.Post(R"({"timestamp": 1795369213, "node": "n", "node_data": {")" + key + "\": 1}}").body));
  CHECK(api.pushed.empty());
}

TEST_CASE("times far from the clock") {
  Api api;
  for (const char* good : {"1795369213.5", "1795365613.5", "1795369273.5"}) CHECK(api.PostAt(good).status == 200);
  CHECK(api.pushed.size() == 3);
  const std::string clock = "this server's clock, 1795369213 (2026-11-22T17:40:13Z); at most ";
  CheckError(api.PostAt("1795365613.499"), 422, "bad_timestamp",
             "/timestamp: 1795365613 (2026-11-22T16:40:13Z) is 3600 s behind " + clock + "3600 s are accepted");
  CheckError(api.PostAt("1795369333"), 422, "bad_timestamp",
             "/timestamp: 1795369333 (2026-11-22T17:42:13Z) is 119 s ahead of " + clock + "60 s are accepted");
  CheckError(api.PostAt("0"), 422, "bad_timestamp",
             "/timestamp: 0 (1970-01-01T00:00:00Z) is 1795369213 s behind " + clock + "3600 s are accepted");
  CheckError(api.PostAt("1795369213000"), 422, "bad_timestamp",
             "/timestamp: 1795369213000 (58862-12-26T06:16:40Z) is 1793573843786 s ahead of " + clock +
                 "60 s are accepted; is it in milliseconds?");
  CHECK(api.PostAt("9000000000000000").status == 422);
  CHECK(api.pushed.size() == 3);
}

TEST_CASE("what the loop refuses") {
  Api api;
  api.push_error = {ErrorCode::kDenied, "node-a is scraped from 10.0.0.7:9780: remove that target"};
  CheckError(api.Post(kDocument), 409, "conflict", api.push_error->message);
  api.push_error = {ErrorCode::kLimit, "too many documents wait"};
  const http::Response busy = api.Post(kDocument);
  CheckError(busy, 503, "busy", "too many documents wait");
  CHECK(HeaderOf(busy, "Retry-After") == "1");
  api.push_error = {ErrorCode::kIo, "disk full"};
  CheckError(api.Post(kDocument), 500, "internal_error", "disk full");
}
