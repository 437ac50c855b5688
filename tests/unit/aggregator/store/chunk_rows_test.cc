// SPDX-License-Identifier: Apache-2.0
#include "aggregator/store/chunk_rows.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tests/unit/aggregator/store/chunk_rows_fixture.h"

using namespace cloudmon;
using namespace cloudmon::store;
using namespace cloudmon::store::test;

TEST_CASE_FIXTURE(ChunkFixture, "Points go into parts, a part's row each, and are read back") {
  Merge(7, Times(kBase, kBase + kPart));
  CHECK((Parts() == 1 && Chunks() == 0));
  CHECK(Query("SELECT key FROM part") == RowKey(kBase / kPart, 7));
  Merge(7, Times(kBase + kPart - 50, kBase + 3 * kPart + 10), 1'000);  // the first five replace what was there
  CHECK((Parts() == 4 && Chunks() == 0));
  Merge(4'294'967'295, Times(kBase, kBase + kPart, 30));
  Merge(1, {0});
  Merge(1, {});
  CHECK(Parts() == 6);
  CheckAll();
  CHECK(Read(Always(8), 0, INT64_MAX).empty());
}

TEST_CASE_FIXTURE(ChunkFixture, "Late points go where the others of their time are") {
  Merge(1, Times(kBase + kPart, kBase + 2 * kPart, 20));
  Merge(2, Times(kBase, kBase + kChunk));
  Compact(kBase + kChunk);
  CHECK((Parts() == 0 && Chunks() == 2));
  Merge(1, Times(kBase, kBase + kChunk, 70), 5);  // into the row of the chunk
  CHECK((Parts() == 0 && Chunks() == 2));
  Merge(1, Times(kBase + kChunk, kBase + kChunk + 30));  // the next chunk has none
  Merge(3, Times(kBase + 100, kBase + 200));             // nor has this series
  CHECK((Parts() == 2 && Chunks() == 2));
  CheckAll();
  Compact(kBase + kChunk);  // takes the late part, not the one of the next chunk
  CHECK((Parts() == 1 && Chunks() == 3));
  CheckAll();
  // One call for both at once.
  Merge(1, Times(kBase + kChunk - 40, kBase + kChunk + 40), 9);
  CHECK((Parts() == 1 && Chunks() == 3));
  CheckAll();
}

TEST_CASE_FIXTURE(ChunkFixture, "Imports go into chunks, with the parts that are there") {
  Merge(1, Times(kBase, kBase + 2 * kPart));
  MergeIntoChunks(1, Times(kBase + kPart, kBase + kChunk + 100, 30), 77);
  CHECK((Parts() == 0 && Chunks() == 2));
  MergeIntoChunks(2, Times(kBase, kBase + 3 * kChunk));
  CHECK((Parts() == 0 && Chunks() == 5));
  MergeIntoChunks(2, Times(kBase + 10, kBase + 2 * kChunk, 40), 3);
  MergeIntoChunks(2, {});
  CHECK((Parts() == 0 && Chunks() == 5));
  CheckAll();
}

TEST_CASE_FIXTURE(ChunkFixture, "Points are erased, and rows without any") {
  Merge(1, Times(kBase, kBase + kChunk));
  Merge(2, Times(kBase, kBase + kPart));
  Erase(2, Times(kBase, kBase + 100));
  CheckAll();
  Erase(2, Times(kBase, kBase + kPart));
  CHECK(Parts() == kPartsOfChunk);
  Compact(kBase + kChunk);
  Erase(1, Times(kBase, kBase + kChunk, 20));
  CheckAll();
  CHECK(Chunks() == 1);
  Erase(1, Times(kBase - 100, kBase + 2 * kChunk));  // also where nothing is
  CHECK((Parts() == 0 && Chunks() == 0));
  CheckAll();
}

TEST_CASE_FIXTURE(ChunkFixture, "A read is cut to the range, the series' life and the fields") {
  Merge(1, Times(kBase, kBase + 2 * kChunk + kPart));
  Compact(kBase + kChunk);  // a chunk, and the rest in parts
  const std::int64_t end = kBase + 2 * kChunk + kPart;
  const std::vector<std::int64_t> edges{INT64_MIN,     0,           kBase,          kBase + 1,          kBase + 10,
                                        kBase + kPart, kBase + 755, kBase + kChunk, kBase + kChunk + 5, end - 10,
                                        end - 9,       end,         end + 100'000,  INT64_MAX};
  for (const std::int64_t from : edges) {
    for (const std::int64_t until : edges) {
      for (const series::FieldMask fields :
           {series::kAllFields, series::FieldMask{0}, series::MaskOf(Field::kMemoryBytes)}) {
        if (Read(Always(1), from, until, fields) != Expected(1, from, until, fields)) {
          CAPTURE(from);
          CAPTURE(until);
          FAIL_CHECK("other points");
        }
      }
    }
  }
  const StoredSeries some{1, Of({}), kBase + 100, kBase + 200};
  CHECK((Read(some, 0, INT64_MAX) == Expected(1, kBase + 100, kBase + 200 + kTouchSeconds)));
}

TEST_CASE_FIXTURE(ChunkFixture, "A read appends") {
  Merge(1, Times(kBase, kBase + 30));
  SeriesSlice slice;
  REQUIRE(reader.Read(Always(1), 0, kBase + 20, series::kAllFields, slice).ok());
  REQUIRE(reader.Read(Always(1), kBase + 20, INT64_MAX, series::kAllFields, slice).ok());
  CHECK((AsMap(slice) == Expected(1)));
}

TEST_CASE_FIXTURE(ChunkFixture, "The newest points of a series") {
  Merge(1, Times(kBase, kBase + kPart));
  Merge(1, Times(kBase + 3 * kPart, kBase + 3 * kPart + 50));
  Merge(2, Times(kBase + 5 * kChunk, kBase + 5 * kChunk + 50));
  const StoredSeries series{1, Of({}), kBase, kBase + 3 * kPart};
  CHECK((ReadNewest(series) == Expected(1)));
  CHECK((ReadNewest({1, Of({}), kBase, kBase + 4 * kChunk}) == Expected(1)));
  Compact(kBase + kChunk);
  CHECK((ReadNewest(series) == Expected(1)));  // all in one blob now
  Merge(1, Times(kBase + kChunk, kBase + kChunk + 20));
  CHECK((ReadNewest(series) == Expected(1)));  // and of the chunk before
  CHECK(ReadNewest({3, Of({}), kBase, kBase + kChunk}).empty());
}

TEST_CASE_FIXTURE(ChunkFixture, "The newest points of a series that are not in the future, and not too old") {
  constexpr std::int64_t kFuture = kBase + 100'000'000 * kChunk;
  Merge(1, Times(kBase, kBase + 50));
  Merge(1, Times(kFuture, kFuture + 50));
  Merge(2, {kFuture});
  const StoredSeries series{1, Of({}), kBase, kFuture};
  CHECK((ReadNewest(series) == Expected(1, kFuture)));
  CHECK((ReadNewest(series, 0, kBase + 3 * kChunk) == Expected(1, kBase, kBase + 50)));
  CHECK((ReadNewest(series, 0, kBase + 20) == Expected(1, kBase, kBase + 30)));
  CHECK(ReadNewest(series, kBase + kChunk, kBase + 3 * kChunk).empty());
  CHECK(ReadNewest(series, 0, kBase - 10).empty());
  // Nothing goes through all the hours between.
  CHECK(ReadNewest({2, Of({}), kBase, kFuture}, kFuture - 2 * kChunk, kFuture - 10).empty());

  CHECK(reader.NewestSeconds(kFuture).value() == kFuture);
  CHECK(reader.NewestSeconds(kFuture - 10).value() == kBase + 40);
  CHECK(reader.NewestSeconds(kBase + 20).value() == kBase + 20);
  CHECK(!reader.NewestSeconds(kBase - kChunk).value());
}

TEST_CASE_FIXTURE(ChunkFixture, "The oldest and the newest bucket that are stored") {
  const auto oldest = [&] { return reader.OldestSeconds().value(); };
  const auto newest = [&] { return reader.NewestSeconds(INT64_MAX).value(); };
  CHECK((!oldest() && !newest()));
  Merge(2, {kBase + kChunk + 30});
  CHECK((oldest() == kBase + kChunk + 30 && newest() == kBase + kChunk + 30));
  Merge(1, {kBase + kChunk + 50, kBase + kChunk + 60});
  CHECK((oldest() == kBase + kChunk + 30 && newest() == kBase + kChunk + 60));
  Merge(9, {kBase + 70});
  CHECK((oldest() == kBase + 70 && newest() == kBase + kChunk + 60));
  MergeIntoChunks(3, {kBase + 5 * kChunk});
  CHECK((oldest() == kBase + 70 && newest() == kBase + 5 * kChunk));
  Compact(INT64_MAX);
  CHECK((oldest() == kBase + 70 && newest() == kBase + 5 * kChunk));
  Delete(kBase + kChunk);
  CHECK((oldest() == kBase + kChunk + 30 && newest() == kBase + 5 * kChunk));
  // Where all of the span is damaged, some time in it.
  Set("chunk", RowKey(kBase / kChunk + 1, 1), "x'00'");
  Set("chunk", RowKey(kBase / kChunk + 1, 2), "x'00'");
  REQUIRE(oldest());
  CHECK((*oldest() >= kBase + kChunk && *oldest() < kBase + 2 * kChunk));
}

TEST_CASE_FIXTURE(ChunkFixture,
                  "Only chunks that are over are made, some series at a time, and nothing is lost between") {
  InTransaction([&] {
    for (std::int64_t id = 1; id <= 700; ++id)
      Merge(id, Times(kBase + id % kPartsOfChunk * kPart, kBase + kChunk + 20, 200));
  });
  Merge(4'294'967'295, {kBase + 10});
  CHECK(Compact(kBase + kChunk - 1) == 1);
  CHECK(Chunks() == 0);
  int steps = 0;
  while (rows.CompactStep(kBase + kChunk).value()) {
    ++steps;
    CHECK(InBoth() == 0);
    CHECK((Read(Always(1), 0, INT64_MAX) == Expected(1)));
    CHECK((Read(Always(699), 0, INT64_MAX) == Expected(699)));
  }
  CHECK(steps >= 3);
  CHECK(Chunks() == 701);
  CHECK(Query("SELECT min(key) FROM part") >= RowKey((kBase + kChunk) / kPart, 1));
  CheckAll();
}

TEST_CASE_FIXTURE(ChunkFixture, "Whole chunks and parts are deleted, and no others") {
  InTransaction([&] {
    for (std::int64_t id = 1; id <= 1'500; ++id) MergeIntoChunks(id, {kBase, kBase + kChunk, kBase + 2 * kChunk});
  });
  Merge(2'000, Times(kBase + 2 * kChunk, kBase + 3 * kChunk));
  const auto is = [&](std::int64_t cutoff, std::int64_t chunks, std::int64_t parts) {
    CAPTURE(cutoff - kBase);
    Delete(cutoff);
    CHECK(Chunks() == chunks);
    CHECK(Parts() == parts);
  };
  is(INT64_MIN, 4'500, kPartsOfChunk);
  is(0, 4'500, kPartsOfChunk);
  is(kBase + kChunk - 1, 4'500, kPartsOfChunk);
  is(kBase + kChunk, 3'000, kPartsOfChunk);
  is(kBase + 2 * kChunk + 1, 1'500, kPartsOfChunk);
  is(kBase + 2 * kChunk + kPart - 1, 1'500, kPartsOfChunk);
  is(kBase + 2 * kChunk + 2 * kPart, 1'500, kPartsOfChunk - 2);
  is(kBase + 3 * kChunk, 0, 0);
  is(kBase + 3 * kChunk, 0, 0);
}

TEST_CASE_FIXTURE(ChunkFixture, "A step deletes a bounded number of rows") {
  InTransaction([&] {
    for (std::int64_t id = 1; id <= 5'000; ++id) MergeIntoChunks(id, {kBase});
  });
  std::int64_t rows_before = Chunks();
  while (rows_before > 0) {
    REQUIRE(rows.DeleteStep(kBase + kChunk).ok());
    const std::int64_t now = Chunks();
    REQUIRE(now < rows_before);
    CHECK(rows_before - now <= 2'000);
    rows_before = now;
  }
}

TEST_CASE_FIXTURE(ChunkFixture, "A damaged part counts as not there, for reads, late points and chunks") {
  for (const std::string& points : DamagedPoints()) {
    CAPTURE(points);
    Merge(1, Times(kBase, kBase + kChunk));
    Merge(2, Times(kBase, kBase + kChunk));
    const auto damage = [&](std::int64_t part) {
      Set("part", RowKey(kBase / kPart + part, 1), points);
      Forget(1, kBase + part * kPart, kBase + (part + 1) * kPart);
    };
    damage(2);
    CheckAll();
    Merge(1, {kBase + 2 * kPart + 50}, 8);
    CheckAll();
    damage(0);
    damage(kPartsOfChunk - 1);
    CHECK((ReadNewest({1, Of({}), kBase, kBase + kChunk - 10}) == Expected(1)));
    Compact(kBase + kChunk);
    CHECK((Parts() == 0 && Chunks() == 2));
    CheckAll();
    Delete(kBase + kChunk);
    expected.clear();
  }
}

TEST_CASE_FIXTURE(ChunkFixture, "A series of damaged parts alone leaves nothing, and does not stop the others") {
  Merge(1, Times(kBase, kBase + kPart));
  Merge(2, Times(kBase, kBase + kPart));
  Set("part", RowKey(kBase / kPart, 1), "x'00'");
  expected.erase(1);
  Compact(kBase + kChunk);
  CHECK((Parts() == 0 && Chunks() == 1));
  CHECK(Read(Always(1), 0, INT64_MAX).empty());
  CheckAll();
}

TEST_CASE_FIXTURE(ChunkFixture, "A damaged chunk counts as not there, and late points and imports take its place") {
  for (const std::string& points : DamagedPoints()) {
    CAPTURE(points);
    MergeIntoChunks(1, Times(kBase - kChunk, kBase + kChunk));
    const auto damage = [&] {
      Set("chunk", RowKey(kBase / kChunk, 1), points);
      Forget(1, kBase, kBase + kChunk);
    };
    damage();
    CheckAll();
    CHECK((ReadNewest({1, Of({}), kBase - kChunk, kBase}) == Expected(1)));
    Merge(1, {kBase + 40}, 3);
    CheckAll();
    damage();
    MergeIntoChunks(1, Times(kBase, kBase + kPart));
    CheckAll();
    damage();
    Erase(1, {kBase + 40});
    CheckAll();
    CHECK((Parts() == 0 && Chunks() == 1));
    Delete(kBase + kChunk);
    expected.clear();
  }
}

TEST_CASE_FIXTURE(ChunkFixture, "A blob of the other table's length is damaged") {
  Merge(1, Times(kBase, kBase + kPart));
  MergeIntoChunks(2, Times(kBase, kBase + kChunk));
  Set("part", RowKey(kBase / kPart, 1), "(SELECT points FROM chunk)");
  CHECK(Read(Always(1), 0, INT64_MAX).empty());
  Set("chunk", RowKey(kBase / kChunk, 2), "(SELECT points FROM part)");
  CHECK((Read(Always(2), 0, INT64_MAX) == Expected(2)));  // the chunk's own blob, which the part held
}

TEST_CASE_FIXTURE(ChunkFixture, "Without the tables nothing is opened, and a write on a read-only connection fails") {
  CHECK(!ChunkRows::Open(read_db, kBucket).value().Merge(1, std::vector{kBase}, std::vector{PointOf(1)}).ok());
  REQUIRE(db.Execute("DROP TABLE part").ok());
  CHECK(!ChunkRows::Open(db, kBucket).ok());
  CHECK(!ChunkReader::Open(db, kBucket).ok());
}
