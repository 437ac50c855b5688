// SPDX-License-Identifier: Apache-2.0
#include "exporter/web.h"

#include <string>
#include <utility>

#include "common/exposition/format.h"
#include "common/version.h"

namespace cloudmon {
namespace {

using http::Request;
using http::Response;

Response Metrics(Collector& collector, const Request& request) {
  const exposition::Format format = exposition::NegotiateFormat(request.Header("Accept"));
  return {.content_type = std::string(exposition::ContentType(format)), .body = collector.Page(format)};
}

Response Landing(const Request&) {
  std::string page = R"(<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>cloud-monitor exporter</title>
<style>body{font:16px/1.5 system-ui,sans-serif;margin:3em auto;max-width:40em;padding:0 1em}</style></head>
<body>
<h1>cloud-monitor exporter</h1>
<p>What each pod on this node uses: CPU, memory, disk and network, for Prometheus and for the cloud-monitor aggregator.</p>
<ul>
<li><a href="/metrics">/metrics</a>: Prometheus text, or OpenMetrics where the client asks for it</li>
<li><a href="/-/healthy">/-/healthy</a>: the process answers</li>
<li><a href="/-/ready">/-/ready</a>: a pass over the node has been made</li>
</ul>
)";
  page += "<p>Version ";
  page += kVersion;
  page += "</p>\n</body>\n</html>\n";
  return {.content_type = "text/html; charset=utf-8", .body = std::move(page)};
}

}  // namespace

http::Router BuildExporterRouter(Collector& collector) {
  http::Router router;
  router.Add("GET", "/", "This page.", Landing);
  router.Add("GET", "/metrics", "Everything that is measured.",
             [&collector](const Request& request) { return Metrics(collector, request); });
  router.Add("GET", "/-/healthy", "200 while the process answers.",
             [](const Request&) { return Response{.body = "OK\n"}; });
  router.Add("GET", "/-/ready", "200 once a pass over the node has been made.", [&collector](const Request&) {
    (void)collector.Page(exposition::Format::kText);
    return Response{.body = "OK\n"};
  });
  return router;
}

}  // namespace cloudmon
