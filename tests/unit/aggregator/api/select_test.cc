// SPDX-License-Identifier: Apache-2.0
#include "aggregator/api/select.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tests/unit/aggregator/api/sample.h"

using namespace cloudmon;
using series::Kind;

namespace {

std::string Describe(const store::Selector& s) {
  return std::string(series::KindName(s.kind)) + " " + s.node + "|" + s.ns + "|" + s.deployment + "|" + s.pod;
}

api::SeriesQuery StepQuery(std::int64_t step_seconds) {
  api::SeriesQuery query;
  query.step_seconds = step_seconds;
  return query;
}

std::string Names(const std::vector<const store::SeriesSlice*>& members) {
  std::string names;
  for (const auto* slice : members) names += slice->member->ns + "/" + slice->member->pod + " ";
  return names;
}

// `buckets` buckets of `pods` pods, the i-th pod having memory_bytes i.
void FillPods(test::FakeStore& store, std::int64_t pods, std::int64_t buckets) {
  for (std::int64_t b = 0; b < buckets; ++b) {
    series::Bucket bucket{test::kFirst + b * 10, {}};
    for (std::int64_t i = 0; i < pods; ++i) {
      bucket.entries.push_back({test::MakeMember(test::Pod("n", "ns", "", "pod-" + std::to_string(i))),
                                test::MakePoint({{series::Field::kMemoryBytes, i}})});
    }
    store.Append(std::move(bucket));
  }
}

}  // namespace

TEST_CASE("ResolveMembers") {
  struct Case {
    Kind kind;
    api::PathKeys path;
    std::string_view selector, named;
    bool all_known;
  };
  const std::vector<Case> cases{
      {Kind::kPod, {}, "pod |||", "pod |||", true},
      {Kind::kNode, {{"node", "a"}}, "node a|||", "node a|||", false},
      {Kind::kPod, {{"node", "a"}}, "pod a|||", "node a|||", false},
      {Kind::kPod, {{"pod", "p"}}, "pod |||p", "pod |||p", false},
      {Kind::kPod, {{"namespace", "s"}}, "pod |s||", "namespace |s||", false},
      {Kind::kPod, {{"namespace", "s"}, {"pod", "p"}}, "pod |s||p", "pod |s||p", false},
      {Kind::kDeployment, {{"namespace", "s"}}, "deployment |s||", "namespace |s||", false},
      {Kind::kDeployment, {{"namespace", "s"}, {"deployment", "d"}}, "deployment |s|d|", "deployment |s|d|", false},
      {Kind::kPod, {{"namespace", "s"}, {"deployment", "d"}}, "pod |s|d|", "deployment |s|d|", false},
      {Kind::kCluster, {}, "cluster |||", "cluster |||", true},
      {Kind::kNode, {{"node", "__all__"}}, "cluster |||", "cluster |||", true},
      {Kind::kPod, {{"pod", "__all__"}}, "cluster |||", "cluster |||", true},
      {Kind::kNamespace, {{"namespace", "__all__"}}, "cluster |||", "cluster |||", true},
      {Kind::kDeployment, {{"namespace", "__all__"}, {"deployment", "__all__"}}, "cluster |||", "cluster |||", true},
      {Kind::kDeployment, {{"namespace", "s"}, {"deployment", "__all__"}}, "namespace |s||", "namespace |s||", false},
      {Kind::kPod, {{"namespace", "s"}, {"pod", "__all__"}}, "namespace |s||", "namespace |s||", false},
      {Kind::kPod, {{"namespace", "__all__"}}, "pod |||", "pod |||", true},
      {Kind::kPod, {{"node", "__all__"}}, "pod |||", "pod |||", true},
  };
  for (const Case& c : cases) {
    CAPTURE(c.selector);
    const auto members = api::ResolveMembers(c.kind, c.path, {});
    REQUIRE(members.ok());
    CHECK(Describe(members.value().selector) == c.selector);
    CHECK(Describe(members.value().named) == c.named);
    CHECK(members.value().all_known == c.all_known);
  }
}

TEST_CASE("filters narrow lists, and are refused where they can do nothing") {
  api::SeriesQuery query;
  query.node = "a";
  const auto members = api::ResolveMembers(Kind::kPod, {{"namespace", "s"}}, query);
  REQUIRE(members.ok());
  CHECK(Describe(members.value().selector) == "pod a|s||");
  CHECK(Describe(members.value().named) == "namespace |s||");

  const auto twice = api::ResolveMembers(Kind::kPod, {{"node", "a"}}, query);
  REQUIRE(!twice.ok());
  CHECK(twice.error().message == "node: already given by the path; leave the parameter out");
  const auto without = api::ResolveMembers(Kind::kNamespace, {}, query);
  REQUIRE(!without.ok());
  CHECK(without.error().message ==
        "node: entries of the kind namespace have no node; leave the parameter out or ask for pods");
}

TEST_CASE("members are ordered by name, by field with the absent last, and cut at the limit") {
  test::FakeStore store;
  test::FillSample(store);
  const auto slices = store.Select({}, test::kNewest, test::kNewest + 10, series::kAllFields, 100).value();
  auto order = [&](api::SortOrder sort, std::size_t limit = 100) {
    return Names(api::OrderMembers(slices, sort, limit));
  };
  using api::SortBy;
  const std::string by_name = "infra/cache-0 infra/web-1 shop/web-1 shop/web-2 ";
  CHECK(order({SortBy::kTime}) == by_name);
  CHECK(order({.by = SortBy::kTime, .descending = true}) == by_name);
  CHECK(order({SortBy::kName}) == by_name);
  CHECK(order({SortBy::kName}, 2) == "infra/cache-0 infra/web-1 ");
  CHECK(order({.by = SortBy::kName, .descending = true}) == "shop/web-2 shop/web-1 infra/web-1 infra/cache-0 ");
  const auto cpu = series::Field::kCpuMillicores;  // 4, 7 and 7
  CHECK(order({SortBy::kField, cpu, false}) == "infra/web-1 shop/web-1 shop/web-2 infra/cache-0 ");
  CHECK(order({SortBy::kField, cpu, true}) == "shop/web-1 shop/web-2 infra/web-1 infra/cache-0 ");
  CHECK(order({SortBy::kField, cpu, true}, 1) == "shop/web-1 ");
}

TEST_CASE("only the fields that are shown or sorted by are read") {
  test::FakeStore store;
  series::Point point;
  for (const series::FieldInfo& info : series::kFields) point.Set(info.field, 7);
  for (const std::int64_t time : {test::kFirst, test::kFirst + 10}) {
    store.Append({time, {{test::MakeMember(test::Pod("n", "ns", "", "p")), point}}});
  }
  auto read = [&](const std::vector<std::pair<std::string, std::string>>& pairs) {
    series::FieldMask fields = 0;
    const auto query = api::ParseSeriesQuery(pairs, 10).value();
    const auto slices = api::ReadSeries(store, {}, {test::kFirst, test::kFirst + 20}, query, 10, 100).value();
    REQUIRE(slices.size() == 1);
    for (const series::FieldInfo& info : series::kFields) {
      if (slices.front().points.back().Has(info.field)) fields |= series::MaskOf(info.field);
    }
    return fields;
  };
  const series::FieldMask memory = series::MaskOf(series::Field::kMemoryBytes);
  const series::FieldMask rate = series::MaskOf(series::Field::kDiskReadRate);
  CHECK(read({}) == series::kAllFields);
  for (const char* step : {"10", "20"}) {
    CAPTURE(step);
    CHECK(read({{"step", step}}) == series::kAllFields);
    CHECK(read({{"step", step}, {"fields", "memory_bytes"}}) == memory);
    CHECK(read({{"step", step}, {"fields", "disk_read_bytes_per_second,memory_bytes"}}) == (memory | rate));
    CHECK(read({{"step", step}, {"fields", "memory_bytes"}, {"sort", "-disk_read_bytes_per_second"}}) ==
          (memory | rate));
    CHECK(read({{"step", step}, {"fields", "memory_bytes"}, {"sort", "name"}}) == memory);
  }
}

TEST_CASE("a range that is too large is refused with the number and the limit") {
  test::FakeStore store;
  FillPods(store, 5, 60);
  const api::TimeRange range{0, test::kFirst + 600};
  const auto refused = api::ReadSeries(store, {}, range, StepQuery(10), 10, 100);
  REQUIRE(!refused.ok());
  CHECK(refused.error().code == ErrorCode::kLimit);
  CHECK(refused.error().message ==
        "the answer would have at least 300 points, the limit is 100 (query.max-points): ask for a smaller window, a "
        "larger step or fewer members");
  const auto stepped = api::ReadSeries(store, {}, range, StepQuery(20), 10, 100);
  REQUIRE(!stepped.ok());
  CHECK(stepped.error().message.find("at least 150 points, the limit is 100") != std::string::npos);
}

TEST_CASE("a long range is read in parts when its steps fit the limit") {
  test::FakeStore store;
  FillPods(store, 5, 60);
  for (const std::int64_t start : {std::int64_t{0}, test::kFirst, test::kFirst + 70}) {
    CAPTURE(start);
    const api::TimeRange range{start, test::kFirst + 600};
    const auto whole = api::ReadSeries(store, {}, range, StepQuery(60), 10, 1000);
    REQUIRE(whole.ok());
    for (const std::size_t limit : {50, 60, 299}) {
      CAPTURE(limit);
      const auto parts = api::ReadSeries(store, {}, range, StepQuery(60), 10, limit);
      REQUIRE(parts.ok());
      REQUIRE(parts.value().size() == whole.value().size());
      for (std::size_t i = 0; i < parts.value().size(); ++i) {
        CHECK(parts.value()[i].times_seconds == whole.value()[i].times_seconds);
        CHECK(parts.value()[i].points == whole.value()[i].points);
      }
    }
  }
  // Even one bucket of all members is more than the limit.
  CHECK(api::ReadSeries(store, {}, {0, test::kFirst + 600}, StepQuery(86'400), 10, 4).error().code ==
        ErrorCode::kLimit);
}

TEST_CASE("errors of the store come through") {
  test::FakeStore store;
  test::FillSample(store);
  store.fail_reads = true;
  for (const std::int64_t step : {10, 60}) {
    const auto read = api::ReadSeries(store, {}, {0, test::kNewest + 10}, StepQuery(step), 10, 100);
    REQUIRE(!read.ok());
    CHECK(read.error().code == ErrorCode::kIo);
  }
}
