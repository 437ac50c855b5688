// SPDX-License-Identifier: Apache-2.0
// Store::ForEach() and DatabaseReader::ForEach() against what Select() says.
#include <doctest/doctest.h>

#include "aggregator/store/database.h"
#include "aggregator/store/database_reader.h"
#include "tests/unit/aggregator/store/fixture.h"

using namespace cloudmon;
using namespace cloudmon::store;
using namespace cloudmon::store::test;

namespace {

constexpr std::int64_t kEnd = kFirst + 400;

bool ByPod(const Member& a, const Member& b) {
  return a.pod < b.pod;
}
bool Before(const Member& a, const Member& b) {
  return ByPod(a, b) || (!ByPod(b, a) && a < b);
}

// Forty buckets, of which memory holds about ten. Half way the pods are others.
struct ForEachFixture : StoreFixture {
  std::unique_ptr<Store> store;

  ForEachFixture() {
    options.head_points = 10 * 27;
    store = Open();
    for (std::int64_t t = kFirst; t < kEnd; t += 10) {
      series::Bucket bucket = Cluster(20).At(t);
      std::erase_if(bucket.entries, [t](const series::Entry& entry) {
        const bool later = entry.member->pod.size() > 5;  // pod-10 and on
        return entry.member->kind == Kind::kPod && later != (t >= kFirst + 200);
      });
      store->Append(std::move(bucket));
      WaitWritten(*store);
    }
  }

  // All that ForEach() of a store or reader gives, with a check of the order.
  template <class Source>
  static Table All(const Source& source, const Selector& selector, std::int64_t start, std::int64_t end,
                   std::size_t points_in_memory) {
    std::vector<SeriesSlice> slices;
    const Status status = source.ForEach(selector, start, end, ByPod, points_in_memory, [&](SeriesSlice slice) {
      CHECK(!slice.points.empty());
      CHECK(std::is_sorted(slice.times_seconds.begin(), slice.times_seconds.end()));
      if (!slices.empty()) CHECK(Before(*slices.back().member, *slice.member));
      slices.push_back(std::move(slice));
      return true;
    });
    CHECK(status.ok());
    return TableOf(slices);
  }
  [[nodiscard]] Table Expected(const Selector& selector, std::int64_t start, std::int64_t end) const {
    return TableOf(store->Select(selector, start, end, series::kAllFields, kNoLimit).value());
  }
};

}  // namespace

TEST_CASE_FIXTURE(ForEachFixture, "ForEach: the same as Select in any number of passes") {
  const auto reader = std::move(DatabaseReader::Open(options.path)).value();
  for (const Selector& selector : {Selector{Kind::kPod, "", "", "", ""},
                                   {Kind::kPod, "node-a", "ns0", "", ""},
                                   {Kind::kPod, "", "", "", "pod-12"},
                                   {Kind::kPod, "", "", "", "none"},
                                   {Kind::kNode, "", "", "", ""},
                                   {Kind::kNamespace, "", "", "", ""},
                                   {Kind::kCluster, "", "", "", ""}}) {
    for (const auto& [start, end] : {std::pair{std::int64_t{0}, std::int64_t{INT64_MAX}},
                                     {kFirst + 150, kFirst + 250},  // other pods half way
                                     {kFirst + 200, kEnd - 30},     // database and memory
                                     {kEnd - 20, kEnd},             // memory alone
                                     {kFirst, kFirst + 10}}) {
      const Table expected = Expected(selector, start, end);
      for (const std::size_t points_in_memory : {1, 50, 100, 100'000}) {
        CAPTURE(points_in_memory);
        CHECK((All(*store, selector, start, end, points_in_memory) == expected));
        CHECK((All(*reader, selector, start, end, points_in_memory) == expected));
      }
    }
  }
}

TEST_CASE_FIXTURE(ForEachFixture, "ForEach: stops when it is told to") {
  int taken = 0;
  const auto three = [&taken](const SeriesSlice& /*slice*/) { return ++taken < 3; };
  CHECK(store->ForEach({Kind::kPod, "", "", "", ""}, 0, INT64_MAX, ByPod, 80, three).ok());
  CHECK(taken == 3);
}

TEST_CASE_FIXTURE(ForEachFixture, "ForEach: a damaged document is a gap") {
  Table expected = Expected({Kind::kPod, "", "", "", ""}, 0, INT64_MAX);
  const std::size_t whole = expected.size();
  std::erase_if(expected, [](const auto& item) { return item.first.second == kFirst + 30; });
  REQUIRE(expected.size() < whole);
  Connection db = std::move(Connection::Open(File(), Connection::Mode::kReadWrite)).value();
  REQUIRE(db.Execute("UPDATE bucket SET doc = substr(doc, 1, 500) WHERE kind = 'pods' AND time = " +
                     std::to_string(kFirst + 30))
              .ok());
  CHECK((All(*store, {Kind::kPod, "", "", "", ""}, 0, INT64_MAX, 100) == expected));
  CHECK(
      (All(*DatabaseReader::Open(options.path).value(), {Kind::kPod, "", "", "", ""}, 0, INT64_MAX, 100) == expected));
}

TEST_CASE_FIXTURE(StoreFixture, "ForEach: an empty store, and one whose database is empty still") {
  const auto store = Open();
  int taken = 0;
  const auto count = [&taken](const SeriesSlice& /*slice*/) { return ++taken > 0; };
  CHECK(store->ForEach({Kind::kPod, "", "", "", ""}, 0, INT64_MAX, ByPod, 80, count).ok());
  CHECK(store->ForEach({Kind::kCluster, "", "", "", ""}, 0, INT64_MAX, ByPod, 80, count).ok());
  CHECK(taken == 0);
}
