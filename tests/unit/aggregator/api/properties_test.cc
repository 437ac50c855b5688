// SPDX-License-Identifier: Apache-2.0
// Properties of the series routes that hold for any data: formats, step, fields, HEAD.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "common/http/exchange.h"
#include "tests/unit/aggregator/api/answers.h"

using namespace cloudmon;
using namespace cloudmon::test;

namespace {

// By hand: the 10 s values combined as step says. Rates are shown with one decimal and averaged in tenths.
Values Combined(const Values& values, std::int64_t step_seconds) {
  std::map<Values::key_type, std::vector<Json>> groups;
  for (const auto& [key, value] : values) {
    const auto& [who, time, name] = key;
    groups[{who, time - time % step_seconds, name}].push_back(value);
  }
  Values combined;
  for (const auto& [key, group] : groups) {
    combined[key] = group.back();
    const auto field = series::FieldByName(std::get<2>(key));
    if (!field || series::InfoOf(*field).field_class == series::FieldClass::kTotal) continue;
    const bool is_rate = series::InfoOf(*field).field_class == series::FieldClass::kRate;
    std::int64_t sum = 0;
    for (const Json& value : group) {
      sum += is_rate ? std::llround(value.get<double>() * 10) : value.get<std::int64_t>();
    }
    const auto count = static_cast<std::int64_t>(group.size());
    const std::int64_t average = (2 * sum + count) / (2 * count);
    if (is_rate) {
      combined[key] = static_cast<double>(average) / 10;
    } else {
      combined[key] = average;
    }
  }
  return combined;
}

}  // namespace

TEST_CASE("columns and entries say the same") {
  ForClusters([](RandomCluster& cluster) {
    for (const std::string& route : Routes(cluster.AnyPod())) {
      for (const std::string& range : kRanges) {
        const std::string step = cluster.Pick(kSteps);
        const std::string fields = cluster.OneIn(2) ? "" : "fields=memory_bytes,disk_write_bytes_per_second,pods";
        const std::string sort = cluster.OneIn(2) ? "" : "sort=-" + cluster.Pick(FieldNames());
        const std::string limit = cluster.OneIn(2) ? "" : "limit=3";
        const std::string target = With(route, {range, step, fields, sort, limit});
        CAPTURE(target);
        const Json entries = Json::parse(cluster.Body(target));
        const Json columns = Json::parse(cluster.Body(With(target, {"format=columns"})));

        Values in_columns;
        Strings members;
        const Json& times = columns["time"];
        for (const Json& series : columns["series"]) {
          members.push_back(series["labels"].dump());
          for (const auto& [name, column] : series.items()) {
            if (name == "labels") continue;
            REQUIRE(column.size() == times.size());
            for (std::size_t i = 0; i < column.size(); ++i) {
              if (!column[i].is_null()) in_columns[{members.back(), times[i], name}] = column[i];
            }
          }
        }
        Values in_entries = ValuesOf(entries);
        std::set<std::int64_t> entry_times;
        for (const auto& [key, value] : in_entries) entry_times.insert(std::get<1>(key));
        std::erase_if(in_entries, [](const auto& item) { return std::get<2>(item.first).empty(); });
        CHECK((in_entries == in_columns));

        Strings expected = MembersOf(entries);
        if (sort.empty())
          std::sort(expected.begin(), expected.end(),
                    [](const auto& a, const auto& b) { return NameOf(a) < NameOf(b); });
        CHECK(members == expected);
        REQUIRE(times.empty() == entries.empty());
        if (times.empty()) continue;
        CHECK(times.front() == *entry_times.begin());
        CHECK(times.back() == *entry_times.rbegin());
        const std::int64_t step_seconds = step == "step=1h" ? 3600 : step.empty() ? 10 : std::stoi(step.substr(5));
        for (std::size_t i = 1; i < times.size(); ++i) {
          CHECK(times[i].get<std::int64_t>() == times[i - 1].get<std::int64_t>() + step_seconds);
        }
      }
    }
  });
}

TEST_CASE("step is averaging by hand") {
  ForClusters([](RandomCluster& cluster) {
    for (const std::string& route : Routes(cluster.AnyPod())) {
      for (int i = 0; i < 2; ++i) {
        const std::string range = cluster.Pick(kRanges);
        const Values plain = ValuesOf(Json::parse(cluster.Body(With(route, {range}))));
        for (const std::int64_t step : {10, 20, 30, 70, 3600}) {
          const std::string target = With(route, {range, "step=" + std::to_string(step)});
          CAPTURE(target);
          const std::string body = cluster.Body(target);
          CHECK((ValuesOf(Json::parse(body)) == Combined(plain, step)));
          // A limit on points, for which a long range is read in parts, refuses an answer or lets it be as it is.
          const http::Response tight = cluster.Send(target, "GET", true);
          if (tight.status != 422) CHECK((tight.status == 200 && tight.body == body));
        }
      }
    }
  });
}

TEST_CASE("fields leaves out the others and nothing else") {
  ForClusters([](RandomCluster& cluster) {
    for (const std::string& route : Routes(cluster.AnyPod())) {
      for (int i = 0; i < 3; ++i) {
        const std::string a = cluster.Pick(FieldNames()), b = cluster.Pick(FieldNames());
        const std::string sort = cluster.OneIn(2) ? "" : "sort=-" + cluster.Pick(FieldNames()) + "&limit=4";
        const std::string plain = With(route, {cluster.Pick(kRanges), cluster.Pick(kSteps), sort});
        const std::string target = With(plain, {"fields=" + a + "," + b});
        CAPTURE(target);
        Json want = Json::parse(cluster.Body(plain));
        for (Json& entry : want) {
          for (const std::string& name : FieldNames()) {
            if (name != a && name != b) entry.erase(name);
          }
        }
        CHECK((Json::parse(cluster.Body(target)) == want));
      }
    }
  });
}

TEST_CASE("HEAD is GET without the body") {
  ForClusters([](RandomCluster& cluster) {
    Strings targets = Routes(cluster.AnyPod());
    targets.insert(targets.end(), {"/api/pods?limit=x", "/api/pods/none", "/api/none", "/-/reload", "/api", "/%zz"});
    for (const std::string& route : targets) {
      const std::string target = With(route, {"window=1h"});
      CAPTURE(target);
      std::map<std::string, std::string> heads;
      for (const char* method : {"GET", "HEAD"}) {
        for (const bool tight : {false, true}) {
          http::Request request;
          request.method = method;
          request.headers = {{"Accept-Encoding", "gzip"}};
          http::Response response = cluster.Send(target, method, tight);
          heads[method] += http::Finish(request, 1024, false, response);
          CHECK(response.body.empty() == (request.method == "HEAD"));
        }
      }
      CHECK(heads["GET"] == heads["HEAD"]);
    }
  });
}
