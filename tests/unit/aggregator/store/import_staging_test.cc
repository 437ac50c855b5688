// SPDX-License-Identifier: Apache-2.0
#include "aggregator/store/import_staging.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <vector>

#include "tests/support/files.h"
#include "tests/unit/aggregator/store/buckets.h"

using namespace cloudmon;
using namespace cloudmon::store;
using namespace cloudmon::store::test;

namespace {

constexpr Grid kGrid = ChunkGrid(10);
constexpr std::int64_t kEnd = kFirst + 10 * 1000;  // four chunks

struct StagingFixture {
  cloudmon::test::TempDir dir;
  std::string file = dir.path() + "/import.db";

  [[nodiscard]] ImportStaging Open(const std::string& source = "a") const {
    auto opened = ImportStaging::Open(file, source, kGrid);
    REQUIRE_MESSAGE(opened.ok(), (opened.ok() ? "" : opened.error().message));
    return std::move(opened).value();
  }
  static std::vector<StagedSlice> Read(ImportStaging& staging, const StagedPlace& after = {}, std::int64_t start = 0) {
    REQUIRE(staging.BeginReading(after, start).ok());
    std::vector<StagedSlice> slices;
    for (;;) {
      StagedSlice slice;
      const Result<bool> next = staging.Next(slice);
      REQUIRE(next.ok());
      if (!next.value()) return slices;
      slices.push_back(std::move(slice));
    }
  }
  static Table TableOf(const std::vector<StagedSlice>& slices) {
    std::vector<SeriesSlice> series;
    for (const StagedSlice& slice : slices) series.push_back(slice.series);
    Table table;
    for (const SeriesSlice& slice : series) table.merge(store::test::TableOf({slice}));
    return table;
  }
  static Point Of(Field field, std::int64_t value) {
    Point point;
    point.Set(field, value);
    return point;
  }
};

const Member kPod{Kind::kPod, "n", "ns", "", "p"};

}  // namespace

TEST_CASE_FIXTURE(StagingFixture, "Staging: what is added in any order is read chunk by chunk, series by series") {
  std::vector<std::pair<std::int64_t, series::Entry>> entries;
  const Cluster cluster(8);
  for (std::int64_t t = kFirst; t < kEnd; t += 10) {
    for (series::Entry& entry : cluster.At(t).entries) entries.emplace_back(t, std::move(entry));
  }
  SUBCASE("bucket after bucket") {}
  SUBCASE("member after member") {
    std::ranges::stable_sort(entries, {}, [](const auto& item) { return *item.second.member; });
  }
  SUBCASE("shuffled") {
    std::shuffle(entries.begin(), entries.end(), std::mt19937(7));
  }
  Table expected;
  ImportStaging staging = Open();
  REQUIRE(staging.BeginPart().ok());
  for (const auto& [t, entry] : entries) {
    REQUIRE(staging.Add(t, *entry.member, entry.point).ok());
    expected[{*entry.member, t}] = entry.point;
  }
  REQUIRE(staging.EndPart("x").ok());
  CHECK(staging.NewestSeconds().value() == kEnd - 10);
  CHECK(staging.CountRange(0, INT64_MAX).value().buckets == 1000);
  CHECK(staging.CountRange(0, INT64_MAX).value().entries == entries.size());
  CHECK(staging.CountRange(kFirst + 10, kFirst + 30).value().buckets == 2);

  const std::vector<StagedSlice> slices = Read(staging);
  CHECK(std::ranges::is_sorted(slices, std::less_equal<>(), &StagedSlice::place));  // and none twice
  CHECK(slices.size() == 15 * 4);
  for (const StagedSlice& slice : slices) {
    const std::vector<std::int64_t>& times = slice.series.times_seconds;
    CHECK(std::ranges::is_sorted(times));
    CHECK(kGrid.NumberOf(times.front()) == slice.place.chunk);
    CHECK(kGrid.NumberOf(times.back()) == slice.place.chunk);
    CHECK(slice.entries == times.size());
  }
  CHECK((TableOf(slices) == expected));

  const std::vector<StagedSlice> rest = Read(staging, slices[20].place);
  CHECK(rest.size() == slices.size() - 21);
  CHECK(rest.front().place == slices[21].place);
  const std::int64_t start = kFirst + 5000;
  std::erase_if(expected, [](const auto& item) { return item.first.second < kFirst + 5000; });
  CHECK((TableOf(Read(staging, {}, start)) == expected));
  CHECK((TableOf(Read(staging, slices[0].place, start)) == expected));
  CHECK(Read(staging, {}, kEnd).empty());
}

TEST_CASE_FIXTURE(StagingFixture, "Staging: each field's first value counts, also of another part") {
  Point both = Of(Field::kCpuMillicores, 2);
  both.Set(Field::kMemoryBytes, 3);
  ImportStaging staging = Open();
  REQUIRE(staging.BeginPart().ok());
  REQUIRE(staging.Add(kFirst, kPod, Of(Field::kCpuMillicores, 1)).ok());
  REQUIRE(staging.Add(kFirst + 10, kPod, both).ok());
  REQUIRE(staging.EndPart("one").ok());
  REQUIRE(staging.BeginPart().ok());
  REQUIRE(staging.Add(kFirst, kPod, both).ok());
  REQUIRE(staging.EndPart("two").ok());
  const std::vector<StagedSlice> slices = Read(staging);
  REQUIRE(slices.size() == 1);
  CHECK(slices[0].entries == 3);
  Point first = both;
  first.Set(Field::kCpuMillicores, 1);
  CHECK((TableOf(slices) == Table{{{kPod, kFirst}, first}, {{kPod, kFirst + 10}, both}}));
  CHECK(staging.CountRange(0, INT64_MAX).value().buckets == 2);
  CHECK(staging.CountRange(0, INT64_MAX).value().entries == 3);
}

TEST_CASE_FIXTURE(StagingFixture, "Staging: one bucket that is added again and again") {
  ImportStaging staging = Open();
  REQUIRE(staging.BeginPart().ok());
  constexpr std::int64_t kTimes = 100'000;
  for (std::int64_t i = 0; i < kTimes; ++i) REQUIRE(staging.Add(kFirst, kPod, Of(Field::kMemoryBytes, i)).ok());
  REQUIRE(staging.EndPart("x").ok());
  const std::vector<StagedSlice> slices = Read(staging);
  REQUIRE(slices.size() == 1);
  CHECK(slices[0].entries == kTimes);
  CHECK((TableOf(slices) == Table{{{kPod, kFirst}, Of(Field::kMemoryBytes, 0)}}));
  Connection db = std::move(Connection::Open(file, Connection::Mode::kReadOnly)).value();
  CHECK(db.QueryInt("SELECT max(length(points)) FROM run").value() < 66'000);
}

TEST_CASE_FIXTURE(StagingFixture, "Staging: a part is there whole or not at all, and a file keeps its id") {
  std::string id;
  {
    ImportStaging staging = Open();
    id = staging.id();
    REQUIRE(staging.BeginPart().ok());
    REQUIRE(staging.Add(kFirst, kPod, {}).ok());
    REQUIRE(staging.EndPart("one").ok());
    REQUIRE(staging.BeginPart().ok());
    REQUIRE(staging.Add(kFirst + 10, kPod, {}).ok());
  }
  ImportStaging staging = Open();
  CHECK(staging.id() == id);
  CHECK(staging.IsComplete("one"));
  CHECK(!staging.IsComplete("two"));
  REQUIRE(staging.BeginPart().ok());
  REQUIRE(staging.Add(kFirst + 20, kPod, {}).ok());
  REQUIRE(staging.BeginPart().ok());  // begun again
  REQUIRE(staging.Add(kFirst + 30, kPod, {}).ok());
  REQUIRE(staging.EndPart("two").ok());
  CHECK((TableOf(Read(staging)) == Table{{{kPod, kFirst}, {}}, {{kPod, kFirst + 30}, {}}}));
  CHECK(Open("b").id() != id);
}

TEST_CASE_FIXTURE(StagingFixture, "Staging: damaged runs are an error") {
  {
    ImportStaging staging = Open();
    REQUIRE(staging.BeginPart().ok());
    REQUIRE(staging.Add(kFirst, kPod, Of(Field::kMemoryBytes, 1)).ok());
    REQUIRE(staging.EndPart("x").ok());
  }
  for (const char* damage : {"points = x'ffff7f00'", "points = x'0001'", "points = x'ff'", "member = 7"}) {
    CAPTURE(damage);
    REQUIRE(std::move(Connection::Open(file, Connection::Mode::kReadWrite))
                .value()
                .Execute(std::string("UPDATE run SET ") + damage)
                .ok());
    ImportStaging staging = Open();
    REQUIRE(staging.BeginReading({}, 0).ok());
    StagedSlice slice;
    const Result<bool> next = staging.Next(slice);
    REQUIRE(!next.ok());
    CHECK(next.error().code == ErrorCode::kIo);
  }
}
