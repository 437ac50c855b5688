// SPDX-License-Identifier: Apache-2.0
#include "aggregator/api/landing.h"

#include <array>
#include <string_view>

#include "aggregator/api/entry_writer.h"
#include "common/version.h"

namespace cloudmon::api {
namespace {

constexpr std::string_view kHead = R"(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>cloud-monitor aggregator</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60em; margin: 2em auto; padding: 0 1em; }
td { padding: 0.1em 1.5em 0.1em 0; vertical-align: top; }
</style>
</head>
<body>
)";

struct Example {
  std::string_view link, meaning;
};
constexpr std::array<Example, 6> kExamples{{
    {"/api/pods?fields=memory_bytes", "memory of every pod, now"},
    {"/api/pods?sort=-cpu_millicores&limit=10", "the ten pods that use most CPU"},
    {"/api/pods?sort=-memory_working_set_bytes&limit=10", "the ten pods that use most memory"},
    {"/api/namespaces?window=5m", "every namespace, the last five minutes"},
    {"/api/cluster?window=1h&step=1m&format=columns", "the cluster's last hour by the minute, for charts"},
    {"/api/nodes?window=1h&step=1m&fields=cpu_millicores,memory_bytes", "every node's CPU and memory, the last hour"},
}};

std::string EscapeHtml(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else {
      out += c;
    }
  }
  return out;
}

std::string Link(std::string_view path) {
  const std::string text = EscapeHtml(path);
  return "<a href=\"" + text + "\">" + text + "</a>";
}

void AppendRow(std::string& page, const std::string& left, std::string_view right) {
  page.append("<tr><td>").append(left).append("</td><td>").append(EscapeHtml(right)).append("</td></tr>\n");
}

// A route that can be followed as it stands is a link.
std::string RouteCell(const RouteLine& route) {
  if (route.method == "GET" && route.pattern.find('{') == std::string::npos) return Link(route.pattern);
  return (route.method == "GET" ? "" : route.method + " ") + EscapeHtml(route.pattern);
}

}  // namespace

std::string LandingPage(const std::vector<RouteLine>& routes) {
  std::string page(kHead);
  page.append("<h1>cloud-monitor aggregator</h1>\n<p>Version ").append(kVersion);
  page +=
      ". CPU, memory, disk and network of each pod, deployment, namespace and node.</p>\n<h2>Examples</h2>\n<table>\n";
  for (const Example& example : kExamples) AppendRow(page, Link(example.link), example.meaning);
  page += "</table>\n<h2>Routes</h2>\n<table>\n";
  for (const RouteLine& route : routes) AppendRow(page, RouteCell(route), route.summary);
  page += "</table>\n</body>\n</html>\n";
  return page;
}

std::string RoutesJson(const std::vector<RouteLine>& routes) {
  std::string json = "[";
  for (const RouteLine& route : routes) {
    json += json.size() == 1 ? "\n" : ",\n";
    json += "{\"method\":";
    AppendJsonString(json, route.method);
    json += ",\"path\":";
    AppendJsonString(json, route.pattern);
    json += ",\"summary\":";
    AppendJsonString(json, route.summary);
    json += "}";
  }
  return json + "\n]\n";
}

}  // namespace cloudmon::api
