// SPDX-License-Identifier: Apache-2.0
#include "aggregator/api/handlers.h"

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/registry.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "aggregator/api/export_handler.h"
#include "aggregator/api/ingest_handler.h"
#include "aggregator/api/landing.h"
#include "aggregator/api/metrics_page.h"
#include "aggregator/api/openapi.h"
#include "aggregator/api/query.h"
#include "aggregator/api/select.h"
#include "aggregator/api/series_handler.h"
#include "aggregator/api/targets_json.h"
#include "common/exposition/format.h"
#include "common/http/cors.h"

namespace cloudmon::api {
namespace {

using http::Request;
using http::Response;

// Counts requests; shared by all handlers. Thread-safe.
class RequestCounts {
 public:
  RequestCounts()
      : family_(prometheus::BuildCounter()
                    .Name(std::string(kHttpRequests.name))
                    .Help(std::string(kHttpRequests.help))
                    .Register(registry_)) {}

  void Count(const std::string& route, int status) {
    family_.Add({{"route", route}, {"code", std::to_string(status)}}).Increment();
  }
  [[nodiscard]] std::vector<prometheus::MetricFamily> Collect() const { return registry_.Collect(); }

 private:
  prometheus::Registry registry_;
  prometheus::Family<prometheus::Counter>& family_;
};

// What handlers share. Thread-safe.
struct Shared {
  ApiDeps deps;
  RequestCounts requests;
  std::vector<RouteLine> routes;  // complete before the first request
};
using SharedPtr = std::shared_ptr<Shared>;

Response PlainText(int status, std::string body) {
  Response response;
  response.status = status;
  response.body = std::move(body);
  return response;
}

Response Json(std::string body) {
  Response response;
  response.content_type = "application/json";
  response.body = std::move(body);
  return response;
}

// The newest bucket's namespaces, deployments, nodes and cluster; empty when nothing is fresh.
std::vector<store::SeriesSlice> NewestRollups(const ApiDeps& deps) {
  std::vector<store::SeriesSlice> rollups;
  const auto newest = deps.store.NewestBucket();
  if (!newest || !deps.options.rollup_metrics) return rollups;
  const std::int64_t interval_seconds = deps.options.interval_seconds;
  SeriesQuery query;
  query.window_seconds = query.step_seconds = interval_seconds;
  const TimeRange range = ResolveRange(query, *newest, deps.clock.NowMs(), interval_seconds);
  for (auto kind : {series::Kind::kNamespace, series::Kind::kDeployment, series::Kind::kNode, series::Kind::kCluster}) {
    store::Selector selector;
    selector.kind = kind;
    auto slices = ReadSeries(deps.store, selector, range, query, interval_seconds, deps.options.max_points);
    if (!slices.ok()) continue;  // the page still shows that the store's own figures are wrong
    for (auto& slice : slices.value()) rollups.push_back(std::move(slice));
  }
  return rollups;
}

Response HandleMetrics(const Shared& shared, const Request& request) {
  const MetricsInput input{.loop = shared.deps.loop_stats(),
                           .store = shared.deps.store.Stats(),
                           .targets = shared.deps.targets(),
                           .rollups = NewestRollups(shared.deps),
                           .remote_write = shared.deps.remote_write_stats(),
                           .requests = shared.requests.Collect(),
                           .process = shared.deps.process_stats()};
  const exposition::Format format = exposition::NegotiateFormat(request.Header("Accept"));
  Response response;
  response.content_type = exposition::ContentType(format);
  response.body = WriteMetricsPage(input, format);
  return response;
}

Response HandleReady(const Shared& shared) {
  if (shared.deps.store.NewestBucket()) return PlainText(200, "OK\n");
  return PlainText(503, "no bucket is complete yet: the first is after one interval; see /api/targets\n");
}

Response HandleReload(const Shared& shared) {
  const Status status = shared.deps.reload();
  if (status.ok()) return PlainText(200, "OK\n");
  return http::JsonError(500, "reload", status.error().message + "; the old configuration stays");
}

Response HandleLanding(const Shared& shared) {
  Response response;
  response.content_type = "text/html; charset=utf-8";
  response.headers.emplace_back("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'");
  response.body = LandingPage(shared.routes);
  return response;
}

// What every response gets, the router's own too.
void FinishResponse(Shared& shared, const Request& request, std::string_view pattern, Response& response) {
  shared.requests.Count(pattern.empty() ? "other" : std::string(pattern), response.status);
  if (request.path == "/api" || request.path.starts_with("/api/")) {
    response.headers.emplace_back("Cache-Control", "no-store");
  }
  http::ApplyCors(shared.deps.options.cors_origins, request, response);
}

// Adds a route that the pages which list the routes show.
void AddRoute(http::Router& router, const SharedPtr& shared, std::string method, std::string_view pattern,
              std::string_view summary, http::Handler handler) {
  shared->routes.push_back({method, std::string(pattern), std::string(summary)});
  router.Add(std::move(method), std::string(pattern), std::string(summary), std::move(handler));
}

void AddSeriesRoutes(http::Router& router, const SharedPtr& shared) {
  for (const SeriesRoute& route : kSeriesRoutes) {
    AddRoute(router, shared, "GET", route.pattern, route.summary,
             [shared, kind = route.kind](const Request& request) { return HandleSeries(shared->deps, kind, request); });
  }
}

void AddExportRoutes(http::Router& router, const SharedPtr& shared) {
  const auto running = std::make_shared<std::atomic<int>>(0);
  for (const exports::File& file : exports::kFiles) {
    AddRoute(
        router, shared, "GET", "/api/export/" + std::string(file.name), std::string(file.summary),
        [shared, running, file](const Request& request) { return HandleExport(shared->deps, running, file, request); });
  }
}

}  // namespace

http::Router BuildRouter(const ApiDeps& deps) {
  const SharedPtr shared(new Shared{deps, {}, {}});
  http::Router router;
  router.SetFilter([shared](const Request& request, std::string_view pattern, Response& response) {
    FinishResponse(*shared, request, pattern, response);
  });
  AddRoute(router, shared, "GET", "/", "this page", [shared](const Request&) { return HandleLanding(*shared); });
  AddRoute(router, shared, "GET", "/api", "the list of routes",
           [shared](const Request&) { return Json(RoutesJson(shared->routes)); });
  AddRoute(router, shared, "GET", "/api/openapi.json", "this contract, as OpenAPI 3.1",
           [](const Request&) { return Json(std::string(kOpenApiJson)); });
  AddSeriesRoutes(router, shared);
  AddExportRoutes(router, shared);
  AddRoute(router, shared, "GET", "/api/targets", "every scrape target and how its last scrape went",
           [shared](const Request&) { return Json(TargetsJson(shared->deps.targets())); });
  AddRoute(router, shared, "POST", "/api/ingest", "takes a node's values: for nodes that cannot be scraped",
           [shared](const Request& request) { return HandleIngest(shared->deps, request); });
  AddRoute(router, shared, "GET", "/metrics", "the aggregator's own metrics and the newest rollups, for Prometheus",
           [shared](const Request& request) { return HandleMetrics(*shared, request); });
  AddRoute(router, shared, "GET", "/-/healthy", "200 while the program runs",
           [](const Request&) { return PlainText(200, "OK\n"); });
  AddRoute(router, shared, "GET", "/-/ready", "200 once a bucket is complete, 503 before",
           [shared](const Request&) { return HandleReady(*shared); });
  AddRoute(router, shared, "POST", "/-/reload", "reads the configuration again",
           [shared](const Request&) { return HandleReload(*shared); });
  return router;
}

}  // namespace cloudmon::api
