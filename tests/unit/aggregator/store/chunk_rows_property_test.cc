// SPDX-License-Identifier: Apache-2.0
// Random points, late ones, imports, compaction and retention in any order: the tables hold what a plain table does.
#include <doctest/doctest.h>

#include <random>

#include "tests/unit/aggregator/store/chunk_rows_fixture.h"

using namespace cloudmon;
using namespace cloudmon::store;
using namespace cloudmon::store::test;

namespace {

constexpr std::int64_t kSpan = 4 * kChunk;

struct RandomTables : ChunkFixture {
  std::mt19937_64 random;

  explicit RandomTables(std::uint64_t seed) : random(seed) {}
  std::int64_t Below(std::int64_t end) { return static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(end)); }
  std::int64_t AnyTime() { return kBase + Below(kSpan / kBucket) * kBucket; }

  // Of one series: dense or thin, within a part or over several chunks.
  std::vector<std::int64_t> AnyTimes() {
    const std::int64_t start = AnyTime();
    const std::int64_t length = (Below(3) == 0 ? Below(2 * kChunk) : Below(2 * kPart)) + 1;
    const std::int64_t keep = Below(10) + 1;
    std::vector<std::int64_t> times;
    for (std::int64_t time = start; time < start + length; time += kBucket) {
      if (Below(10) < keep) times.push_back(time);
    }
    return times;
  }

  void Change(std::int64_t id) {
    switch (Below(8)) {
      case 0:
        return MergeIntoChunks(id, AnyTimes(), Below(1'000));
      case 1:
        return Erase(id, AnyTimes());
      default:
        return Merge(id, AnyTimes(), Below(1'000));
    }
  }
  // Several changes in one transaction, which may be rolled back.
  void ChangeSome() {
    const auto before = expected;
    Transaction transaction(db);
    REQUIRE(transaction.Begin().ok());
    for (std::int64_t i = Below(4); i >= 0; --i) Change(Below(6) + 1);
    if (Below(5) == 0) {
      expected = before;
    } else {
      REQUIRE(transaction.Commit().ok());
    }
  }
  void Retain() {
    const std::int64_t cutoff = kBase + Below(3) * kChunk;  // between chunks it would depend on what is in parts
    Delete(cutoff);
    for (auto& [id, points] : expected) Forget(id, 0, cutoff);
  }
  void CompactSome() {
    const std::int64_t sealed = AnyTime();
    if (Below(2) == 0) {
      REQUIRE(rows.CompactStep(sealed).ok());
    } else {
      Compact(sealed);
      CHECK(Query("SELECT count(*) FROM part WHERE key < " + std::to_string(RowKey(sealed / kChunk * 6, 0))) == 0);
    }
  }
  void ReadSome() {
    const std::int64_t id = Below(7) + 1;
    const std::int64_t start = AnyTime() + Below(kBucket);
    const std::int64_t end = start + Below(kSpan);
    const auto fields = static_cast<series::FieldMask>(random()) & series::kAllFields;
    CHECK((Read(Always(id), start, end, fields) == Expected(id, start, end, fields)));
    if (expected[id].empty()) {
      CHECK(ReadNewest(Always(id)).empty());
      return;
    }
    const std::int64_t last = expected[id].rbegin()->first;
    const StoredSeries stored{id, Of({}), expected[id].begin()->first, last - Below(kTouchSeconds)};
    CHECK((Read(stored, 0, INT64_MAX) == expected[id]));
    const PointsOfSeries newest = ReadNewest(stored);
    REQUIRE(!newest.empty());
    CHECK((newest == Expected(id, newest.begin()->first)));
  }
};

}  // namespace

TEST_CASE("Random histories of parts and chunks") {
  for (std::uint64_t seed = 0; seed < 25; ++seed) {
    CAPTURE(seed);
    RandomTables tables(seed);
    for (int step = 0; step < 80; ++step) {
      CAPTURE(step);
      const std::int64_t action = tables.Below(10);
      if (action < 6) tables.ChangeSome();
      if (action == 6 || action == 7) tables.CompactSome();
      if (action == 8) tables.ReadSome();
      if (action == 9 && tables.Below(3) == 0) tables.Retain();
      REQUIRE(tables.InBoth() == 0);
    }
    tables.CheckAll();
    tables.Compact(INT64_MAX);
    CHECK(tables.Parts() == 0);
    tables.CheckAll();
  }
}
