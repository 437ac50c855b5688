// SPDX-License-Identifier: Apache-2.0
// Targets for random clusters, and what their answers say, taken apart.
#pragma once

#include <doctest/doctest.h>

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "aggregator/api/series_handler.h"
#include "tests/unit/aggregator/api/random_cluster.h"

namespace cloudmon::test {

using Json = nlohmann::json;
using Strings = std::vector<std::string>;

inline constexpr unsigned kSeeds = 3;
inline const Strings kNames{"node", "namespace", "deployment", "pod"};

// Calls `check` with a cluster for each seed.
template <class Check>
void ForClusters(Check check) {
  for (unsigned seed = 1; seed <= kSeeds; ++seed) {
    CAPTURE(seed);
    RandomCluster cluster(seed);
    check(cluster);
  }
}

inline std::string Instant(std::int64_t bucket) {
  return std::to_string(kFirst + 10 * bucket);
}

inline const Strings kRanges{"",
                             "window=70",
                             "window=1h",
                             "start=" + Instant(3),
                             "end=" + Instant(20),
                             "start=" + Instant(5) + "&end=" + Instant(19)};
inline const Strings kSteps{"", "step=20", "step=30", "step=70", "step=1h"};

inline Strings FieldNames() {
  Strings names;
  for (const auto& info : series::kFields) names.emplace_back(info.name);
  return names;
}

// A target with those parts of a query that are not empty.
inline std::string With(std::string target, const Strings& parts) {
  for (const std::string& part : parts) {
    if (part.empty()) continue;
    target += target.find('?') == std::string::npos ? "?" : "&";
    target += part;
  }
  return target;
}

// Each series route with the names of `pod`, and each with __all__ for the last of them.
inline Strings Routes(const series::Member& pod) {
  std::set<std::string> routes;
  const std::map<std::string, std::string> keys{
      {"{node}", pod.node}, {"{namespace}", pod.ns}, {"{deployment}", pod.deployment}, {"{pod}", pod.pod}};
  for (const api::SeriesRoute& route : api::kSeriesRoutes) {
    std::string path(route.pattern);
    const std::size_t last = path.rfind('{');
    if (last != std::string::npos) path = path.substr(0, last) + "__all__" + path.substr(path.find('}', last) + 1);
    for (std::string target : {path, std::string(route.pattern)}) {
      for (const auto& [key, value] : keys) {
        if (const auto at = target.find(key); at != std::string::npos) target.replace(at, key.size(), Encode(value));
      }
      routes.insert(target);
    }
  }
  return {routes.begin(), routes.end()};
}

inline Json Labels(const Json& entry) {
  Json labels = Json::object();
  for (const std::string& name : kNames) {
    if (entry.contains(name)) labels[name] = entry[name];
  }
  return labels;
}

// (who, time, field) -> value; the field "" for the entry itself.
using Values = std::map<std::tuple<std::string, std::int64_t, std::string>, Json>;

inline Values ValuesOf(const Json& entries) {
  Values values;
  bool all_good = true;  // one assertion for all: each takes longer than the rest
  for (const Json& entry : entries) {
    const std::string who = Labels(entry).dump();
    const std::int64_t time = entry["time"];
    all_good = values.emplace(std::tuple{who, time, ""}, nullptr).second && all_good;
    for (const auto& [key, value] : entry.items()) {
      if (key == "time" || value.is_string()) continue;
      all_good = all_good && value.is_number() && series::FieldByName(key).has_value();
      values[{who, time, key}] = value;
    }
  }
  CHECK_MESSAGE(all_good, "an entry twice, or a value that is no number or of no field");
  return values;
}

// The members in the order in which they first appear.
inline Strings MembersOf(const Json& entries) {
  Strings members;
  std::set<std::string> seen;
  for (const Json& entry : entries) {
    const std::string who = Labels(entry).dump();
    if (seen.insert(who).second) members.push_back(who);
  }
  return members;
}

// A member's place by name: its own name, then namespace, node and deployment.
inline std::vector<std::string> NameOf(const std::string& who) {
  const Json labels = Json::parse(who);
  const auto of = [&](const char* name) { return labels.value(name, ""); };
  std::string own = of("pod");
  if (own.empty()) own = of("deployment");
  if (own.empty()) own = of("namespace");
  if (own.empty()) own = of("node");
  return {own, of("namespace"), of("node"), of("deployment")};
}

}  // namespace cloudmon::test
