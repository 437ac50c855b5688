// SPDX-License-Identifier: Apache-2.0
// Properties that hold for any data: checked on random stores.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "aggregator/api/json_writer.h"
#include "aggregator/api/query.h"
#include "aggregator/api/select.h"
#include "tests/unit/aggregator/api/sample.h"

using namespace cloudmon;
using Json = nlohmann::json;

namespace {

constexpr std::int64_t kBuckets = 50;

// Random points with random gaps in fields and buckets.
void FillRandom(test::FakeStore& store, std::mt19937& random) {
  std::vector<series::MemberPtr> members;
  for (int i = 0; i < 7; ++i) {
    members.push_back(test::MakeMember(test::Pod("n" + std::to_string(i % 2), "s", "", "p" + std::to_string(i))));
  }
  for (std::int64_t b = 0; b < kBuckets; ++b) {
    series::Bucket bucket{test::kFirst + 10 * b, {}};
    for (const auto& member : members) {
      if (random() % 4 == 0) continue;
      series::Point point;
      for (const auto& info : series::kFields) {
        if (random() % 5 != 0) point.Set(info.field, static_cast<std::int64_t>(random() % 1'000'000));
      }
      bucket.entries.push_back({member, point});
    }
    store.Append(std::move(bucket));
  }
}

struct Answer {
  Json entries, columns;
};

Answer Ask(const store::Store& store, std::int64_t step_seconds, const api::SortOrder& sort) {
  api::SeriesQuery query;
  query.step_seconds = step_seconds;
  const auto slices = api::ReadSeries(store, {}, {0, test::kFirst + 10 * kBuckets}, query, 10, 100'000).value();
  const auto members = api::OrderMembers(slices, sort, 100);
  const std::vector<series::FieldInfo> fields(series::kFields.begin(), series::kFields.end());
  return {Json::parse(api::WriteEntries(members, fields, sort)),
          Json::parse(api::WriteColumns(members, fields, step_seconds))};
}

// (pod, time, field) -> value, of entries.
using Values = std::map<std::tuple<std::string, std::int64_t, std::string>, double>;

Values ValuesOf(const Json& entries) {
  Values values;
  for (const Json& entry : entries) {
    for (const auto& info : series::kFields) {
      const std::string name(info.name);
      if (entry.contains(name)) values[{entry["pod"], entry["time"], name}] = entry[name];
    }
  }
  return values;
}

Values ValuesOfColumns(const Json& columns) {
  Values values;
  for (const Json& series : columns["series"]) {
    for (const auto& info : series::kFields) {
      const std::string name(info.name);
      if (!series.contains(name)) continue;
      REQUIRE(series[name].size() == columns["time"].size());
      for (std::size_t i = 0; i < series[name].size(); ++i) {
        if (!series[name][i].is_null()) values[{series["labels"]["pod"], columns["time"][i], name}] = series[name][i];
      }
    }
  }
  return values;
}

// Averages and lasts of the values without step, by hand.
Values Combined(const Values& values, std::int64_t step_seconds) {
  std::map<Values::key_type, std::vector<double>> groups;
  for (const auto& [key, value] : values) {
    auto [pod, time, name] = key;
    groups[{pod, time / step_seconds * step_seconds, name}].push_back(value);
  }
  Values combined;
  for (const auto& [key, group] : groups) {
    const auto field_class = series::InfoOf(*series::FieldByName(std::get<2>(key))).field_class;
    double sum = 0;
    for (double value : group) sum += value;
    const double average = sum / static_cast<double>(group.size());
    if (field_class == series::FieldClass::kTotal) combined[key] = group.back();
    if (field_class == series::FieldClass::kGauge) combined[key] = std::floor(average + 0.5);
    if (field_class == series::FieldClass::kRate) combined[key] = average;
  }
  return combined;
}

}  // namespace

TEST_CASE("entries and columns agree; step equals averaging by hand; times ascend") {
  for (unsigned seed = 1; seed <= 5; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    test::FakeStore store;
    FillRandom(store, random);
    const Values plain = ValuesOf(Ask(store, 10, {}).entries);
    for (const std::int64_t step : {10, 20, 70, 1000}) {
      CAPTURE(step);
      for (const auto by : {api::SortBy::kTime, api::SortBy::kName, api::SortBy::kField}) {
        const Answer answer = Ask(store, step, {.by = by});
        const Values values = ValuesOf(answer.entries);
        CHECK(values == ValuesOfColumns(answer.columns));
        const Values by_hand = Combined(plain, step);
        REQUIRE(values.size() == by_hand.size());
        double worst = 0;
        for (const auto& [key, value] : by_hand) worst = std::max(worst, std::abs(values.at(key) - value));
        CHECK(worst <= 0.051);  // rates are rounded to tenths
        for (std::size_t i = 1; i < answer.entries.size(); ++i) {
          const Json &before = answer.entries[i - 1], &entry = answer.entries[i];
          if (by == api::SortBy::kTime || before["pod"] == entry["pod"]) CHECK(before["time"] <= entry["time"]);
          if (by == api::SortBy::kTime && before["time"] == entry["time"]) CHECK(before["pod"] < entry["pod"]);
          CHECK(entry["time"].get<std::int64_t>() % step == 0);
        }
      }
    }
  }
}
