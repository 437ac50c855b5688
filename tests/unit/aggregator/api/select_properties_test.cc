// SPDX-License-Identifier: Apache-2.0
// Properties of the series routes that hold for any data: which members and times, and their order.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/unit/aggregator/api/answers.h"

using namespace cloudmon;
using namespace cloudmon::test;

namespace {

constexpr std::int64_t kEnd = kFirst + 10 * RandomCluster::kBuckets;  // of the newest bucket

// By hand: the members of `values` in the order of `sort`.
Strings Ordered(const Values& values, std::string sort) {
  const bool descending = sort.starts_with('-');
  if (descending) sort.erase(0, 1);
  std::map<std::string, std::optional<double>> newest;
  for (const auto& [key, value] : values) {  // times ascend within a member
    const auto& [who, time, name] = key;
    newest.try_emplace(who);
    if (name == sort) newest[who] = value.get<double>();
  }
  Strings members;
  for (const auto& [who, value] : newest) members.push_back(who);
  std::sort(members.begin(), members.end(), [&](const std::string& a, const std::string& b) {
    const auto x = newest[a], y = newest[b];
    if (x.has_value() != y.has_value()) return x.has_value();
    if (x != y) return (*x < *y) != descending;
    return NameOf(a) < NameOf(b);
  });
  if (sort == "name" && descending) std::reverse(members.begin(), members.end());
  return members;
}

template <class Keep>
Json Filtered(const Json& entries, Keep keep) {
  Json kept = Json::array();
  for (const Json& entry : entries) {
    if (keep(entry)) kept.push_back(entry);
  }
  return kept;
}

}  // namespace

TEST_CASE("sort orders members, limit takes the first of them") {
  Strings sorts = FieldNames();
  sorts.insert(sorts.end(), {"time", "name"});
  for (std::size_t i = sorts.size(); i-- > 0;) sorts.push_back("-" + sorts[i]);
  ForClusters([&](RandomCluster& cluster) {
    for (const std::string& sort : sorts) {
      const std::string few = cluster.Pick<std::string>({"/api/deployments", "/api/nodes", "/api/namespaces"});
      for (const std::string& route : {std::string("/api/pods"), few}) {
        const std::string plain = With(route, {cluster.Pick(kRanges), cluster.Pick(kSteps)});
        const std::string target = With(plain, {"sort=" + sort});
        CAPTURE(target);
        const Json all = Json::parse(cluster.Body(target));
        const Values values = ValuesOf(all);
        CHECK((values == ValuesOf(Json::parse(cluster.Body(plain)))));
        const Strings order = Ordered(values, sort);
        const bool by_time = sort.ends_with("time");
        bool in_order = true;
        for (std::size_t i = 1; i < all.size(); ++i) {
          const auto before = all[i - 1]["time"].get<std::int64_t>(), time = all[i]["time"].get<std::int64_t>();
          const std::string who_before = Labels(all[i - 1]).dump(), who = Labels(all[i]).dump();
          if (!by_time) {
            in_order = in_order && (who != who_before || before < time);
          } else if (time == before) {
            in_order = in_order && NameOf(who_before) < NameOf(who);
          } else {
            in_order = in_order && (sort == "time") == (before < time);
          }
        }
        CHECK(in_order);
        if (!by_time) {
          CHECK(MembersOf(all) == order);
          std::size_t runs = all.empty() ? 0 : 1;  // each member's entries stand together
          for (std::size_t i = 1; i < all.size(); ++i) runs += Labels(all[i]) == Labels(all[i - 1]) ? 0 : 1;
          CHECK(runs == order.size());
        }
        for (const std::size_t limit : {1UL, 5UL, 1000UL}) {
          const std::set<std::string> first(order.begin(),
                                            order.begin() + static_cast<std::ptrdiff_t>(std::min(limit, order.size())));
          const Json limited = Json::parse(cluster.Body(With(target, {"limit=" + std::to_string(limit)})));
          CHECK((limited == Filtered(all, [&](const Json& entry) { return first.contains(Labels(entry).dump()); })));
        }
      }
    }
  });
}

TEST_CASE("a filter takes the entries that match") {
  const std::map<std::string, Strings> lists{{"/api/nodes", {"node"}},
                                             {"/api/namespaces", {"namespace"}},
                                             {"/api/deployments", {"namespace", "deployment"}},
                                             {"/api/pods", kNames}};
  ForClusters([&](RandomCluster& cluster) {
    for (const auto& [list, filters] : lists) {
      for (const std::string& range : kRanges) {
        const std::string sort = cluster.OneIn(2) ? "" : "sort=-cpu_millicores";
        const std::string plain = With(list, {range, cluster.Pick(kSteps), sort});
        const Json all = Json::parse(cluster.Body(plain));
        for (const std::string& filter : filters) {
          std::set<std::string> values{"none", "__all__"};
          for (const Json& entry : all) values.insert(entry.value(filter, "none"));
          for (const std::string& value : values) {
            const std::string target = With(plain, {filter + "=" + Encode(value)});
            CAPTURE(target);
            const Json want = Filtered(all, [&](const Json& entry) { return entry.value(filter, "") == value; });
            CHECK((Json::parse(cluster.Body(target)) == want));
          }
        }
      }
    }
  });
}

TEST_CASE("two ways to ask give one answer") {
  ForClusters([](RandomCluster& cluster) {
    for (int i = 0; i < 5; ++i) {
      const series::Member pod = cluster.AnyPod();
      const std::string node = Encode(pod.node), ns = Encode(pod.ns), name = Encode(pod.pod);
      const std::string deployment = Encode(pod.deployment);
      const std::vector<std::pair<std::string, std::string>> same{
          {"/api/nodes/" + node, "/api/nodes?node=" + node},
          {"/api/nodes/" + node + "/pods", "/api/pods?node=" + node},
          {"/api/nodes/" + node + "/pods?namespace=" + ns, "/api/namespaces/" + ns + "/pods?node=" + node},
          {"/api/pods/" + name, "/api/pods?pod=" + name},
          {"/api/namespaces/" + ns, "/api/namespaces?namespace=" + ns},
          {"/api/namespaces/" + ns + "/pods", "/api/pods?namespace=" + ns},
          {"/api/namespaces/" + ns + "/pods/" + name, "/api/pods?namespace=" + ns + "&pod=" + name},
          {"/api/namespaces/" + ns + "/deployments", "/api/deployments?namespace=" + ns},
          {"/api/namespaces/" + ns + "/deployments/" + deployment,
           "/api/deployments?namespace=" + ns + "&deployment=" + deployment},
          {"/api/namespaces/" + ns + "/deployments/" + deployment + "/pods",
           "/api/pods?namespace=" + ns + "&deployment=" + deployment},
          {"/api/deployments/" + deployment, "/api/deployments?deployment=" + deployment},
          {"/api/namespaces/__all__/deployments/" + deployment, "/api/deployments?deployment=" + deployment},
          {"/api/namespaces/__all__/pods", "/api/pods"},
          {"/api/namespaces/__all__/deployments", "/api/deployments"},
          {"/api/nodes/__all__/pods", "/api/pods"},
          {"/api/namespaces/" + ns + "/deployments/__all__/pods", "/api/namespaces/" + ns + "/pods"},
          {"/api/namespaces/" + ns + "/deployments/__all__", "/api/namespaces/" + ns},
          {"/api/namespaces/" + ns + "/pods/__all__", "/api/namespaces/" + ns},
          {"/api/nodes/__all__", "/api/cluster"},
          {"/api/pods/__all__", "/api/cluster"},
          {"/api/namespaces/__all__", "/api/cluster"},
          {"/api/deployments/__all__", "/api/cluster"}};
      const Strings query{cluster.Pick(kRanges), cluster.Pick(kSteps), cluster.OneIn(2) ? "" : "format=columns"};
      for (const auto& [one, other] : same) {
        CAPTURE(With(one, query));
        CHECK((cluster.Body(With(one, query)) == cluster.Body(With(other, query))));
      }
    }
  });
}

TEST_CASE("a window ends with the newest bucket") {
  ForClusters([](RandomCluster& cluster) {
    for (const std::string& route : Routes(cluster.AnyPod())) {
      for (const std::int64_t window : {10, 20, 70, 110, 240, 3600}) {
        const std::string query = With("", {cluster.Pick(kSteps), cluster.OneIn(2) ? "" : "format=columns"});
        const std::string rest = query.empty() ? "" : query.substr(1);
        const auto ask = [&](const std::string& range) { return cluster.Body(With(route, {range, rest})); };
        const std::string seconds = std::to_string(window);
        CAPTURE(With(route, {"window=" + seconds, rest}));
        const std::string body = ask("window=" + seconds);
        const std::string start = "start=" + std::to_string(kEnd - window);
        CHECK((body == ask(start + "&end=" + std::to_string(kEnd))));
        CHECK((body == ask(start)));
        CHECK((body == ask("window=" + seconds + "s")));
        CHECK((body == ask("window=" + std::to_string(window - 9))));  // rounded up to whole intervals
        if (window == 10) CHECK((body == ask("")));
      }
    }
  });
}
