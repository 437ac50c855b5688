// SPDX-License-Identifier: Apache-2.0
#include "aggregator/api/query.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <limits>
#include <string>
#include <utility>
#include <vector>

using namespace cloudmon;
using Pairs = std::vector<std::pair<std::string, std::string>>;

namespace {

api::SeriesQuery Good(const Pairs& pairs, std::int64_t interval = 10) {
  auto query = api::ParseSeriesQuery(pairs, interval);
  REQUIRE_MESSAGE(query.ok(), query.error().message);
  return query.value();
}

}  // namespace

TEST_CASE("the default query is the newest bucket with all fields") {
  const api::SeriesQuery query = Good({});
  CHECK(query.window_seconds == 10);
  CHECK(query.step_seconds == 10);
  CHECK(query.fields.size() == series::kFieldCount);
  CHECK(query.sort.by == api::SortBy::kTime);
  CHECK(query.limit == std::numeric_limits<std::size_t>::max());
  CHECK(query.format == api::OutputFormat::kEntries);
  CHECK(Good({}, 30).window_seconds == 30);
}

TEST_CASE("good parameters") {
  CHECK(Good({{"window", "5m"}}).window_seconds == 300);
  CHECK(Good({{"window", "1"}}).window_seconds == 10);
  CHECK(Good({{"window", "11"}}).window_seconds == 20);
  CHECK(Good({{"window", "1m"}}, 45).window_seconds == 90);
  CHECK(Good({{"start", "1795369210.5"}}).start_seconds == 1'795'369'211);
  CHECK(Good({{"end", "2026-11-22T17:40:10Z"}}).end_seconds == 1'795'369'210);
  CHECK(Good({{"start", "5"}, {"end", "5"}}).start_seconds == 5);
  CHECK(Good({{"step", "1m"}}).step_seconds == 60);
  CHECK(Good({{"namespace", "shop"}}).ns == "shop");
  CHECK(Good({{"node", "a"}, {"deployment", "b"}, {"pod", "c"}}).pod == "c");
  CHECK(Good({{"limit", "10"}}).limit == 10);
  CHECK(Good({{"format", "columns"}}).format == api::OutputFormat::kColumns);

  const api::SortOrder sort = Good({{"sort", "-memory_bytes"}}).sort;
  CHECK(sort.by == api::SortBy::kField);
  CHECK(sort.field == series::Field::kMemoryBytes);
  CHECK(sort.descending);
  CHECK(Good({{"sort", "name"}}).sort.by == api::SortBy::kName);

  const auto fields = Good({{"fields", "memory_bytes, cpu_millicores,memory_bytes"}}).fields;
  REQUIRE(fields.size() == 2);
  CHECK(fields[0].name == "cpu_millicores");  // in the order of entries
  CHECK(fields[1].name == "memory_bytes");
}

TEST_CASE("bad parameters name the parameter and what to change") {
  struct Case {
    Pairs pairs;
    std::string_view starts;
  };
  const std::vector<Case> cases{
      {{{"window", "abc"}}, "window: expected seconds or a duration such as 5m, got 'abc'"},
      {{{"window", ""}}, "window: expected seconds"},
      {{{"window", "0"}}, "window: expected seconds"},
      {{{"window", "-10"}}, "window: expected seconds"},
      {{{"window", "99999999d"}}, "window: expected seconds or a duration of at most 36500d"},
      {{{"start", "yesterday"}}, "start: expected Unix seconds or RFC 3339"},
      {{{"end", ""}}, "end: expected Unix seconds or RFC 3339"},
      {{{"start", "20"}, {"end", "10"}}, "start: expected a time that is not after end"},
      {{{"start", "10.2"}, {"end", "10.1"}}, "start: expected a time that is not after end"},
      {{{"window", "5m"}, {"start", "10"}}, "window: not together with start or end"},
      {{{"end", "10"}, {"window", "10"}}, "window: not together with start or end"},
      {{{"step", "15"}}, "step: expected a multiple of the interval, 10 s, got '15'"},
      {{{"step", "0"}}, "step: expected seconds"},
      {{{"fields", ""}}, "fields: expected a comma list of fields, got ''; known are cpu_millicores, "},
      {{{"fields", "memory_bytes,mem"}}, "fields: unknown field 'mem'; known are cpu_millicores, "},
      {{{"fields", "pod"}}, "fields: unknown field 'pod'"},
      {{{"namespace", ""}}, "namespace: expected a name"},
      {{{"sort", "cpu"}}, "sort: expected time, name or a field"},
      {{{"sort", ""}}, "sort: expected time, name or a field"},
      {{{"sort", "--time"}}, "sort: expected time, name or a field"},
      {{{"limit", "0"}}, "limit: expected a whole number of members, 1 or more, got '0'"},
      {{{"limit", "-1"}}, "limit: expected a whole number"},
      {{{"limit", "1.5"}}, "limit: expected a whole number"},
      {{{"format", "csv"}}, "format: expected entries or columns, got 'csv'"},
      {{{"windw", "5m"}}, "unknown parameter 'windw'; known are window, start, end, step, fields, node, namespace, "},
      {{{"", "5m"}}, "unknown parameter ''"},
      {{{"Window", "5m"}}, "unknown parameter 'Window'"},
      {{{"limit", "1"}, {"limit", "1"}}, "limit: given more than once"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.starts);
    const auto query = api::ParseSeriesQuery(c.pairs, 10);
    REQUIRE(!query.ok());
    CHECK(query.error().code == ErrorCode::kInvalid);
    CHECK_MESSAGE(query.error().message.starts_with(c.starts), query.error().message);
  }
}

TEST_CASE("ResolveRange") {
  constexpr std::int64_t kNewest = 1000;
  auto is = [](const Pairs& pairs, std::int64_t now_seconds, std::int64_t start, std::int64_t end) {
    const api::TimeRange range = api::ResolveRange(Good(pairs), kNewest, now_seconds * 1000, 10);
    CHECK(range.start_seconds == start);
    CHECK(range.end_seconds == end);
  };
  is({}, 1013, 1000, 1010);
  is({}, 1025, 1000, 1010);  // the next bucket is not sealed yet
  is({}, 900, 1000, 1010);   // the clock was set back
  is({{"window", "25"}}, 1013, 980, 1010);
  is({}, 1039, 1000, 1010);
  is({}, 1040, 1010, 1020);  // nothing was sealed for two intervals: old data is not current
  is({{"window", "1m"}}, 5000, 4920, 4980);
  is({{"window", "1d"}}, 1013, 0, 1010);
  is({{"start", "500"}}, 1013, 500, 1010);
  is({{"end", "500"}}, 1013, 0, 500);
  is({{"start", "100"}, {"end", "500"}}, 1013, 100, 500);
  is({{"start", "5000"}, {"end", "6000"}}, 1013, 1010, 1010);  // in the future: nothing
  is({{"start", "100"}, {"end", "6000"}}, 1013, 100, 1010);
}

TEST_CASE("ParametersMarkdown has one row for each parameter") {
  const std::string rows = api::ParametersMarkdown();
  CHECK(std::count(rows.begin(), rows.end(), '\n') == 12);
  CHECK(rows.starts_with("| `window` | seconds, or `30s`"));
}
