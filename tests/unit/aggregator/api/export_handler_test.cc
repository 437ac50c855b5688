// SPDX-License-Identifier: Apache-2.0
#include "aggregator/api/export_handler.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "tests/support/fake_clock.h"
#include "tests/unit/aggregator/api/sample.h"

using namespace cloudmon;

namespace {

struct Api {
  explicit Api(bool filled = true) {
    if (filled) test::FillSample(store);
  }
  http::Response Get(std::string_view target) {
    http::Request request;
    request.method = "GET";
    request.path = target.substr(0, target.find('?'));
    if (target.find('?') != std::string_view::npos) request.query = target.substr(target.find('?') + 1);
    return router.Dispatch(request);
  }

  test::FakeStore store;
  test::FakeClock clock{(test::kNewest + 13) * 1000};
  http::Router router = api::BuildRouter({.store = store, .clock = clock});
};

// The streamed body; nullopt where it broke off.
std::optional<std::string> Body(const http::Response& response) {
  std::string body;
  REQUIRE(response.stream);
  const bool complete = response.stream([&](std::string_view piece) {
    body += piece;
    return true;
  });
  return complete ? std::optional(body) : std::nullopt;
}

std::string HeaderOf(const http::Response& response, std::string_view name) {
  for (const auto& [key, value] : response.headers) {
    if (key == name) return value;
  }
  return "";
}

std::string ErrorCodeOf(const http::Response& response) {
  return nlohmann::json::parse(response.body)["error"]["code"];
}

}  // namespace

TEST_CASE("an export route answers its file") {
  Api api;
  for (const exports::File& file : exports::kFiles) {
    CAPTURE(file.name);
    const auto response = api.Get("/api/export/" + std::string(file.name));
    CHECK(response.status == 200);
    CHECK(response.content_type == "application/json");
    CHECK(HeaderOf(response, "Content-Disposition") == "attachment; filename=\"" + std::string(file.name) + "\"");
    const auto body = Body(response);
    REQUIRE(body);
    const auto json = nlohmann::json::parse(*body);
    CHECK(json["__all__"].size() == 3);
  }
}

TEST_CASE("window, start and end; without them everything") {
  Api api;
  auto buckets = [&](const std::string& query) {
    return nlohmann::json::parse(*Body(api.Get("/api/export/nodes.json" + query)))["node-a"].size();
  };
  CHECK(buckets("") == 3);
  CHECK(buckets("?window=20s") == 2);
  CHECK(buckets("?start=" + std::to_string(test::kNewest)) == 1);
  CHECK(buckets("?end=" + std::to_string(test::kNewest)) == 2);
  for (const std::string bad : {"?fields=pods", "?step=10", "?window=x", "?window=1m&end=5", "?start=1&start=2"}) {
    CAPTURE(bad);
    const auto response = api.Get("/api/export/nodes.json" + bad);
    CHECK(response.status == 400);
    CHECK(ErrorCodeOf(response) == "bad_parameter");
  }
}

TEST_CASE("before the first bucket") {
  Api api(false);
  const auto response = api.Get("/api/export/nodes.json");
  CHECK(response.status == 503);
  CHECK(ErrorCodeOf(response) == "not_ready");
  CHECK(HeaderOf(response, "Retry-After") == "10");
}

TEST_CASE("a third export waits for one to end") {
  Api api;
  const auto first = api.Get("/api/export/nodes.json");
  auto second = std::optional(api.Get("/api/export/pods.json"));
  for (int again = 0; again < 2; ++again) {
    const auto third = api.Get("/api/export/nodes.json");
    CHECK(third.status == 503);
    CHECK(ErrorCodeOf(third) == "busy");
    CHECK_FALSE(HeaderOf(third, "Retry-After").empty());
  }
  second.reset();
  CHECK(api.Get("/api/export/nodes.json").status == 200);
  CHECK(Body(first));
}

TEST_CASE("an export that the store breaks off is not complete, nor one that nobody reads") {
  Api api;
  const auto response = api.Get("/api/export/pods.json");
  CHECK_FALSE(response.stream([](std::string_view /*piece*/) { return false; }));
  api.store.fail_reads = true;
  CHECK_FALSE(Body(response));
}
