// SPDX-License-Identifier: Apache-2.0
#include "aggregator/api/handlers.h"

#include <doctest/doctest.h>

#include <atomic>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "tests/support/fake_clock.h"
#include "tests/support/files.h"
#include "tests/unit/aggregator/api/sample.h"

using namespace cloudmon;

namespace {

// A router over a store with the sample in it (or an empty one), two targets, and a reload that can fail.
struct Api {
  explicit Api(bool filled = true) {
    if (filled) test::FillSample(store);
  }

  [[nodiscard]] http::Router Router() {
    return api::BuildRouter({.store = store,
                             .clock = clock,
                             .options = options,
                             .targets = [this] { return targets; },
                             .loop_stats = [] { return scrape::LoopStats{}; },
                             .process_stats = [] { return ProcessStats{}; },
                             .reload = [this]() -> Status {
                               if (reload_error.empty()) return Status::Ok();
                               return Error{ErrorCode::kInvalid, reload_error};
                             },
                             .remote_write_stats = [] { return std::nullopt; }});
  }

  http::Response Get(std::string_view target, std::string method = "GET") {
    http::Request request;
    request.method = std::move(method);
    request.path = http::PercentDecode(target.substr(0, target.find('?'))).value();
    if (target.find('?') != std::string_view::npos) request.query = target.substr(target.find('?') + 1);
    return Router().Dispatch(request);
  }

  test::TimeZone zone{"UTC-1"};  // one hour east of UTC
  test::FakeStore store;
  test::FakeClock clock{(test::kNewest + 13) * 1000};
  api::ApiOptions options{.max_points = 50};
  std::vector<scrape::TargetStatus> targets;
  std::string reload_error;
};

std::string HeaderOf(const http::Response& response, std::string_view name) {
  for (const auto& [key, value] : response.headers) {
    if (key == name) return value;
  }
  return "";
}

}  // namespace

TEST_CASE("each series route") {
  Api api;
  std::string page;
  for (std::string_view target :
       {"/api/nodes",
        "/api/nodes/node-a",
        "/api/nodes/node-a/pods",
        "/api/pods",
        "/api/pods/web-1",
        "/api/namespaces",
        "/api/namespaces/shop",
        "/api/namespaces/shop/pods",
        "/api/namespaces/infra/pods/web-1",
        "/api/namespaces/infra/deployments",
        "/api/namespaces/shop/deployments/web",
        "/api/namespaces/shop/deployments/web/pods",
        "/api/deployments",
        "/api/deployments/web",
        "/api/cluster",
        "/api/nodes/__all__",
        "/api/pods/__all__",
        "/api/namespaces/__all__",
        "/api/deployments/__all__",
        "/api/namespaces/__all__/deployments/__all__",
        "/api/namespaces/shop/pods/__all__",
        "/api/pods?window=30s&fields=memory_bytes",
        "/api/pods?start=1795369200&end=2026-11-22T17:40:20Z&fields=cpu_millicores&namespace=shop",
        "/api/pods?window=30&step=30&fields=cpu_millicores,cpu_usage_usec,pods",
        "/api/pods?sort=-cpu_millicores&limit=2&fields=cpu_millicores",
        "/api/pods?node=node-b&fields=memory_bytes",
        "/api/pods?window=30&format=columns&fields=memory_bytes",
        "/api/cluster?fields=pods&format=columns",
        "/api/pods?start=1800000000&end=1800000600",
        "/api/pods?deployment=none"}) {
    const http::Response response = api.Get(target);
    CAPTURE(target);
    CHECK(response.status == 200);
    CHECK(response.content_type == "application/json");
    CHECK(HeaderOf(response, "Cache-Control") == "no-store");
    CHECK(nlohmann::json::accept(response.body));
    page.append("GET ").append(target).append("\n").append(response.body).append("\n");
  }
  test::CheckGolden("api/series_routes.txt", page);
}

TEST_CASE("every error is JSON and says what to change") {
  Api api;
  std::string page;
  auto error = [&](std::string_view target, int status, std::string_view code, std::string method = "GET") {
    const http::Response response = api.Get(target, method);
    CAPTURE(target);
    CHECK(response.status == status);
    CHECK(response.content_type.starts_with("application/json"));
    CHECK(response.body.ends_with("\n"));
    const auto json = nlohmann::json::parse(response.body, nullptr, false);
    REQUIRE(json.contains("error"));
    CHECK(json["error"]["code"] == code);
    page.append(target).append("\n  ").append(json["error"]["message"].dump()).append("\n");
  };
  for (std::string_view query :
       {"window=abc", "window=", "window=5m&start=1", "start=2&end=1", "start=x", "step=15", "fields=mem",
        "fields=", "sort=cpu", "limit=0", "limit=ten", "format=xml", "namespace=", "windows=5m", "limit=1&limit=2",
        "pod=a%FFb%zz", "window=%FF%FE", "%00=1"}) {
    error("/api/pods?" + std::string(query), 400, "bad_parameter");
  }
  error("/api/namespaces?node=node-a", 400, "bad_parameter");
  error("/api/nodes/node-a?node=node-a", 400, "bad_parameter");
  error("/api/cluster?namespace=shop", 400, "bad_parameter");
  for (std::string_view path :
       {"/api/nodes/node-z", "/api/nodes/node-z/pods", "/api/pods/none", "/api/namespaces/none",
        "/api/namespaces/none/pods", "/api/namespaces/shop/pods/cache-0", "/api/namespaces/none/deployments",
        "/api/namespaces/shop/deployments/none", "/api/namespaces/shop/deployments/none/pods", "/api/pods/%FF%22"}) {
    error(path, 404, "not_found");
  }
  test::CheckGolden("api/errors.txt", page);
}

TEST_CASE("the limit on points answers 422") {
  Api api;
  api.options.max_points = 10;  // there are 11
  const http::Response response = api.Get("/api/pods?window=30");
  CHECK(response.status == 422);
  CHECK(response.body.find("at least 12 points, the limit is 10 (query.max-points)") != std::string::npos);
  CHECK(api.Get("/api/pods?window=30&step=30").status == 200);
  CHECK(api.Get("/api/pods?window=30&namespace=shop").status == 200);
  // Nine points, but columns of three members over three steps with a gap are as large as entries without it.
  api.options.max_points = 11;
  CHECK(api.Get("/api/pods?window=30").status == 200);
  const http::Response columns = api.Get("/api/pods?window=30&format=columns");
  CHECK(columns.status == 422);
  CHECK(columns.body.find("the columns would have 12 cells, the limit is 11") != std::string::npos);
}

TEST_CASE("before the first bucket") {
  Api api(false);
  const http::Response pods = api.Get("/api/pods");
  CHECK(pods.status == 503);
  CHECK(HeaderOf(pods, "Retry-After") == "10");
  CHECK(nlohmann::json::parse(pods.body)["error"]["code"] == "not_ready");
  CHECK(api.Get("/api/pods?limit=x").status == 400);
  CHECK(api.Get("/-/ready").status == 503);
  CHECK(api.Get("/-/ready").body.ends_with("\n"));
  CHECK(api.Get("/-/healthy").status == 200);
  CHECK(api.Get("/metrics").status == 200);
  test::FillSample(api.store);
  CHECK(api.Get("/-/ready").status == 200);
  CHECK(api.Get("/-/healthy").body == "OK\n");
}

TEST_CASE("a store that cannot be read answers 500") {
  Api api;
  api.store.fail_reads = true;
  const http::Response response = api.Get("/api/pods");
  CHECK(response.status == 500);
  CHECK(response.body.find("metrics.db: disk I/O error") != std::string::npos);
  CHECK(api.Get("/metrics").status == 200);
}

TEST_CASE("a known member without points in the window is an empty array; data that is old is not current") {
  Api api;
  CHECK(api.Get("/api/pods/web-1?start=0&end=10").body == "[]\n");
  CHECK(api.Get("/api/namespaces/shop/deployments?end=10").body == "[]\n");
  api.clock.Advance(3'600'000);
  CHECK(api.Get("/api/pods/web-1").body == "[]\n");
  CHECK(api.Get("/api/pods/none").status == 404);
  CHECK(api.Get("/api/pods/web-1?window=2h").body != "[]\n");
  CHECK(api.Get("/metrics").body.find("cloudmon_namespace_pods") == std::string::npos);
}

TEST_CASE("names in the path are percent-decoded") {
  Api api(false);
  api.store.Append({test::kNewest, {{test::MakeMember(test::Pod("n", "a b", "", "ü\"x")), test::PodPoint(1)}}});
  const http::Response response = api.Get("/api/namespaces/a%20b/pods/%C3%BC%22x");
  REQUIRE(response.status == 200);
  CHECK(nlohmann::json::parse(response.body)[0]["pod"] == "ü\"x");
}

TEST_CASE("reload") {
  Api api;
  CHECK(api.Get("/-/reload", "POST").status == 200);
  CHECK(api.Get("/-/reload").status == 405);
  api.reload_error = "aggregator.yaml:7:3: unknown key 'scrap'";
  const http::Response response = api.Get("/-/reload", "POST");
  CHECK(response.status == 500);
  CHECK(nlohmann::json::parse(response.body)["error"]["message"] ==
        "aggregator.yaml:7:3: unknown key 'scrap'; the old configuration stays");
}

TEST_CASE("targets") {
  Api api;
  CHECK(api.Get("/api/targets").body == "[]\n");
  api.targets = {{.url = "http://10.0.0.7:9780/metrics",
                  .node = "node-a",
                  .source = "static",
                  .labels = {{"zone", "z1"}},
                  .up = true,
                  .last_scrape_ms = 1'795'369'213'123,
                  .duration_seconds = 0.0125,
                  .body_bytes = 4096,
                  .samples = 120,
                  .rejected_lines = 1,
                  .last_error = ""}};
  api.targets.emplace_back().url = "http://10.0.0.8:9780/metrics";
  api.targets[1].source = "targets.yaml";
  api.targets[1].last_error = "not a number: '\xff'";
  const http::Response response = api.Get("/api/targets");
  CHECK(response.content_type == "application/json");
  test::CheckGolden("api/targets.json", response.body);
}

TEST_CASE("the landing page and the list of routes name every route") {
  Api api;
  const http::Response page = api.Get("/");
  const http::Response list = api.Get("/api");
  CHECK(page.content_type == "text/html; charset=utf-8");
  CHECK(page.body.find("<script") == std::string::npos);
  const http::Router router = api.Router();
  CHECK(nlohmann::json::parse(list.body).size() == router.routes().size());
  for (const auto& route : router.routes()) {
    CAPTURE(route.pattern);
    CHECK(page.body.find(route.pattern) != std::string::npos);
    CHECK(list.body.find("\"path\":\"" + route.pattern + "\"") != std::string::npos);
  }
  for (std::size_t at = page.body.find("href=\""); at != std::string::npos; at = page.body.find("href=\"", at + 1)) {
    std::string link = page.body.substr(at + 6, page.body.find('"', at + 6) - at - 6);
    for (std::size_t amp = link.find("&amp;"); amp != std::string::npos; amp = link.find("&amp;")) {
      link.replace(amp, 5, "&");
    }
    CAPTURE(link);
    CHECK(api.Get(link).status == 200);
  }
}

TEST_CASE("requests are counted by route and status") {
  Api api;
  const http::Router router = api.Router();
  http::Request request;
  request.method = "GET";
  request.path = "/api/pods/web-1";
  (void)router.Dispatch(request);
  (void)router.Dispatch(request);
  request.query = "limit=x";
  (void)router.Dispatch(request);
  request = {};
  request.method = "GET";
  request.path = "/metrics";
  const std::string page = router.Dispatch(request).body;
  CHECK(page.find("cloudmon_http_requests_total{code=\"200\",route=\"/api/pods/{pod}\"} 2\n") != std::string::npos);
  CHECK(page.find("cloudmon_http_requests_total{code=\"400\",route=\"/api/pods/{pod}\"} 1\n") != std::string::npos);
}

TEST_CASE("the router's own answers are counted too") {
  Api api;
  const http::Router router = api.Router();
  auto ask = [&](std::string method, std::string path) {
    http::Request request;
    request.method = std::move(method);
    request.path = std::move(path);
    return router.Dispatch(request);
  };
  (void)ask("GET", "/api/none");
  (void)ask("GET", "/none/of/them");
  (void)ask("POST", "/api/pods");
  (void)ask("OPTIONS", "/api/pods");
  (void)ask("HEAD", "/api/pods/none");
  const std::string page = ask("GET", "/metrics").body;
  for (std::string_view line : {"{code=\"404\",route=\"other\"} 2", "{code=\"405\",route=\"/api/pods\"} 1",
                                "{code=\"204\",route=\"/api/pods\"} 1", "{code=\"404\",route=\"/api/pods/{pod}\"} 1"}) {
    CAPTURE(line);
    CHECK(page.find("cloudmon_http_requests_total" + std::string(line) + "\n") != std::string::npos);
  }
}

TEST_CASE("nothing under /api is cached") {
  Api api;
  auto is = [&](std::string_view target, std::string_view want, std::string method = "GET") {
    CAPTURE(target);
    CHECK(HeaderOf(api.Get(target, method), "Cache-Control") == want);
  };
  for (std::string_view target : {"/api", "/api/", "/api/none", "/api/pods", "/api/pods?limit=x", "/api/pods/none"}) {
    is(target, "no-store");
    is(target, "no-store", "POST");
    is(target, "no-store", "OPTIONS");
  }
  for (std::string_view target : {"/", "/apix", "/metrics", "/-/healthy", "/none/api"}) is(target, "");
}

TEST_CASE("pages of other origins") {
  Api api;
  auto ask = [&](std::string method, std::string path) {
    http::Request request;
    request.method = std::move(method);
    request.path = std::move(path);
    request.headers = {{"Origin", "https://grafana.example"}, {"Access-Control-Request-Method", "GET"}};
    return api.Router().Dispatch(request);
  };
  CHECK(HeaderOf(ask("GET", "/api/pods"), "Access-Control-Allow-Origin").empty());  // as long as none is listed
  api.options.cors_origins = {"https://grafana.example"};
  for (const char* path : {"/api/pods", "/api/none", "/metrics"}) {
    CAPTURE(path);
    CHECK(HeaderOf(ask("GET", path), "Access-Control-Allow-Origin") == "https://grafana.example");
    CHECK(HeaderOf(ask("GET", path), "Access-Control-Allow-Methods").empty());
  }
  const http::Response preflight = ask("OPTIONS", "/-/reload");
  CHECK(preflight.status == 204);
  CHECK(HeaderOf(preflight, "Access-Control-Allow-Methods") == "OPTIONS, POST");
}

TEST_CASE("a router answers many threads at once") {
  Api api;
  const http::Router router = api.Router();
  std::atomic<int> good = 0;
  {
    std::vector<std::jthread> threads;
    for (const char* path : {"/api/pods", "/api/cluster", "/metrics", "/api/pods", "/"}) {
      threads.emplace_back([&, path] {
        for (int i = 0; i < 50; ++i) {
          http::Request request;
          request.method = "GET";
          request.path = path;
          if (router.Dispatch(request).status == 200) ++good;
        }
      });
    }
  }
  CHECK(good == 250);
}
