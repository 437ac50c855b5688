// SPDX-License-Identifier: Apache-2.0
// Tables `part` and `chunk` of a database in a directory of its own, beside a plain table of what they should hold.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "aggregator/store/chunk_rows.h"
#include "aggregator/store/schema.h"
#include "tests/support/files.h"
#include "tests/unit/aggregator/store/buckets.h"

namespace cloudmon::store::test {

inline constexpr std::int64_t kBucket = 10;
inline constexpr std::int64_t kPart = kBucket * kPartPositions;
inline constexpr std::int64_t kChunk = kBucket * kChunkPositions;
inline constexpr std::int64_t kBase = 277 * kChunk;  // where the tests' first chunk begins

// SQL of blobs that cannot be read, made from what is in column `points`.
inline const std::vector<std::string>& DamagedPoints() {
  static const std::vector<std::string> kDamaged{"x''",
                                                 "x'00'",
                                                 "'text'",
                                                 "zeroblob(100000)",
                                                 "substr(points, 1, length(points) - 1)",
                                                 "CAST(points || x'00' AS BLOB)",
                                                 "CAST(x'02' || substr(points, 2) AS BLOB)",
                                                 "CAST(substr(points, 1, length(points) - 4) || x'01020304' AS BLOB)"};
  return kDamaged;
}

// What a point's values are made of, so that a test can tell points apart.
inline Point PointOf(std::int64_t value) {
  Point point;
  point.Set(Field::kCpuMillicores, value);
  if (value % 3 == 0) point.Set(Field::kMemoryBytes, value * 4096);
  return point;
}

using PointsOfSeries = std::map<std::int64_t, Point>;  // by time

struct ChunkFixture {
  cloudmon::test::TempDir dir;
  std::string file = dir.path() + "/cloud-monitor.db";
  Connection db = std::move(OpenForWriting(file, kBucket)).value();
  ChunkRows rows = std::move(ChunkRows::Open(db, kBucket)).value();
  Connection read_db = std::move(Connection::Open(file, Connection::Mode::kReadOnly)).value();
  ChunkReader reader = std::move(ChunkReader::Open(read_db, kBucket)).value();
  std::map<std::int64_t, PointsOfSeries> expected;  // by series

  ChunkFixture() { REQUIRE(db.Execute("PRAGMA synchronous=OFF").ok()); }  // many small commits

  void Forget(std::int64_t id, std::int64_t start, std::int64_t end) {
    auto& points = expected[id];
    points.erase(points.lower_bound(start), points.lower_bound(end));
  }

  // Points of a value that is theirs alone.
  [[nodiscard]] static std::vector<Point> MakePoints(const std::vector<std::int64_t>& times, std::int64_t salt) {
    std::vector<Point> points;
    for (const std::int64_t time : times) points.push_back(PointOf(time / kBucket + salt));
    return points;
  }
  [[nodiscard]] static std::vector<std::int64_t> Times(std::int64_t start, std::int64_t end,
                                                       std::int64_t step = kBucket) {
    std::vector<std::int64_t> times;
    for (std::int64_t time = start; time < end; time += step) times.push_back(time);
    return times;
  }

  void Merge(std::int64_t id, const std::vector<std::int64_t>& times, std::int64_t salt = 0) {
    const std::vector<Point> points = MakePoints(times, salt);
    REQUIRE(rows.Merge(id, times, points).ok());
    for (std::size_t i = 0; i < times.size(); ++i) expected[id][times[i]] = points[i];
  }
  void MergeIntoChunks(std::int64_t id, const std::vector<std::int64_t>& times, std::int64_t salt = 0) {
    const std::vector<Point> points = MakePoints(times, salt);
    REQUIRE(rows.MergeIntoChunks(id, times, points).ok());
    for (std::size_t i = 0; i < times.size(); ++i) expected[id][times[i]] = points[i];
  }
  void Erase(std::int64_t id, const std::vector<std::int64_t>& times) {
    REQUIRE(rows.Erase(id, times).ok());
    for (const std::int64_t time : times) expected[id].erase(time);
  }
  template <class Work>
  void InTransaction(Work work) {
    Transaction transaction(db);
    REQUIRE(transaction.Begin().ok());
    work();
    REQUIRE(transaction.Commit().ok());
  }
  // Returns the number of steps.
  int Compact(std::int64_t sealed_seconds) {
    return UntilDone([&] { return rows.CompactStep(sealed_seconds); });
  }
  int Delete(std::int64_t cutoff_seconds) {
    return UntilDone([&] { return rows.DeleteStep(cutoff_seconds); });
  }
  template <class Step>
  static int UntilDone(Step step) {
    for (int steps = 1; steps < 10'000; ++steps) {
      const Result<bool> more = step();
      REQUIRE_MESSAGE(more.ok(), (more.ok() ? "" : more.error().message));
      if (!more.value()) return steps;
    }
    FAIL("the steps do not end");
    return 0;
  }

  // A series that may have points at any time of the tests.
  [[nodiscard]] static StoredSeries Always(std::int64_t id) { return {id, Of({}), 0, kBase + 1'000 * kChunk}; }

  PointsOfSeries Read(const StoredSeries& series, std::int64_t start, std::int64_t end,
                      series::FieldMask fields = series::kAllFields) {
    SeriesSlice slice;
    REQUIRE(read_db.Execute("BEGIN").ok());
    reader.Begin();
    const Status read = reader.Read(series, start, end, fields, slice);
    REQUIRE_MESSAGE(read.ok(), (read.ok() ? "" : read.error().message));
    REQUIRE(read_db.Execute("COMMIT").ok());
    return AsMap(slice);
  }
  PointsOfSeries ReadNewest(const StoredSeries& series, std::int64_t since = 0, std::int64_t until = INT64_MAX) {
    SeriesSlice slice;
    reader.Begin();
    REQUIRE(reader.ReadNewest(series, since, until, slice).ok());
    return AsMap(slice);
  }
  static PointsOfSeries AsMap(const SeriesSlice& slice) {
    REQUIRE(slice.points.size() == slice.times_seconds.size());
    REQUIRE(std::is_sorted(slice.times_seconds.begin(), slice.times_seconds.end()));
    PointsOfSeries points;
    for (std::size_t i = 0; i < slice.points.size(); ++i) points[slice.times_seconds[i]] = slice.points[i];
    REQUIRE(points.size() == slice.points.size());  // no time twice
    return points;
  }
  // What of the expected points a read of the range and fields returns.
  [[nodiscard]] PointsOfSeries Expected(std::int64_t id, std::int64_t start = 0, std::int64_t end = INT64_MAX,
                                        series::FieldMask fields = series::kAllFields) {
    PointsOfSeries points;
    for (const auto& [time, point] : expected[id]) {
      if (time < start || time >= end) continue;
      Point& wanted = points[time];
      for (const series::FieldInfo& info : series::kFields) {
        if (point.Has(info.field) && (fields & series::MaskOf(info.field)) != 0) {
          wanted.Set(info.field, point.Get(info.field));
        }
      }
    }
    return points;
  }
  void CheckAll() {
    for (const auto& [id, points] : expected) {
      CAPTURE(id);
      CHECK((Read(Always(id), 0, INT64_MAX) == points));
    }
  }

  std::int64_t Query(const std::string& sql) { return db.QueryInt(sql).value(); }
  std::int64_t Parts() { return Query("SELECT count(*) FROM part"); }
  std::int64_t Chunks() { return Query("SELECT count(*) FROM chunk"); }
  // Rows of a part whose series has a row of the part's chunk: there must be none.
  std::int64_t InBoth() {
    return Query(
        "SELECT count(*) FROM part AS p JOIN chunk AS c"
        " ON c.key = (((p.key >> 32) / 6) << 32) + (p.key & 0xFFFFFFFF)");
  }
  void Set(const std::string& table, std::int64_t key, const std::string& points) {
    REQUIRE(db.Execute("UPDATE " + table + " SET points = " + points + " WHERE key = " + std::to_string(key)).ok());
    REQUIRE(Query("SELECT changes()") == 1);
  }
};

}  // namespace cloudmon::store::test
