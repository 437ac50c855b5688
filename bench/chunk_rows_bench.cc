// SPDX-License-Identifier: Apache-2.0
// Tables `part` and `chunk` with 1,000 pods over a day: what it takes to seal, merge and read them, and bytes for each
// value with all that SQLite adds. Argument: a directory for the database, made anew.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "aggregator/store/chunk_rows.h"
#include "aggregator/store/directory.h"
#include "aggregator/store/schema.h"
#include "bench/codec_bench_series.h"

namespace {

using namespace cloudmon;
using namespace cloudmon::store;

constexpr int kPods = 1'000, kHours = 24;
constexpr std::int64_t kBucketSeconds = 10, kHourSeconds = 3'600, kStart = 480'000 * kHourSeconds;

double MicrosecondsOf(const auto& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start).count();
}

void Check(const auto& result) {
  if (result.ok()) return;
  std::fprintf(stderr, "%s\n", result.error().message.c_str());
  std::exit(1);
}

struct Pod {
  std::vector<std::int64_t> times_seconds;
  std::vector<series::Point> points;
};

std::vector<Pod> MakePods(std::size_t& values) {
  std::vector<Pod> pods;
  const auto hour = bench::MakeHour(kPods, kChunkPositions);
  for (const SeriesChunk& chunk : hour.at(series::Kind::kPod)) {
    Pod& pod = pods.emplace_back();
    for (std::size_t row = 0; row < chunk.at.size(); ++row) {
      pod.times_seconds.push_back(kStart + chunk.at[row] * kBucketSeconds);
      pod.points.push_back(RowOf(chunk, row));
      for (const auto& info : series::kFields) values += pod.points.back().Has(info.field) ? 1 : 0;
    }
  }
  return pods;
}

void PrintSize(Connection& db, const char* what, std::size_t values) {
  Check(db.QueryInt("PRAGMA wal_checkpoint(TRUNCATE)"));
  const std::int64_t pages = db.QueryInt("PRAGMA page_count").value() - db.QueryInt("PRAGMA freelist_count").value();
  std::printf("%-28s %10lld bytes, %.3f a value\n", what, static_cast<long long>(pages * 16'384),
              static_cast<double>(pages * 16'384) / static_cast<double>(values));
}

// One transaction for each part, as when it is sealed.
double SealParts(Connection& db, ChunkRows& rows, const std::vector<Pod>& pods) {
  double microseconds = 0;
  for (std::int64_t part = 0; part < kPartsOfChunk; ++part) {
    const std::int64_t start = kStart + part * kPartPositions * kBucketSeconds;
    Transaction transaction(db);
    Check(transaction.Begin());
    microseconds += MicrosecondsOf([&] {
      std::int64_t id = 0;
      for (const Pod& pod : pods) {
        const auto at = [&](std::int64_t time) {
          return static_cast<std::size_t>(std::lower_bound(pod.times_seconds.begin(), pod.times_seconds.end(), time) -
                                          pod.times_seconds.begin());
        };
        const std::size_t first = at(start);
        const std::size_t count = at(start + kPartPositions * kBucketSeconds) - first;
        Check(rows.Merge(++id, std::span(pod.times_seconds).subspan(first, count),
                         std::span(pod.points).subspan(first, count)));
      }
      Check(transaction.Commit());
    });
  }
  return microseconds;
}

void ImportDay(Connection& db, ChunkRows& rows, std::vector<Pod> pods) {
  for (int hour = 1; hour < kHours; ++hour) {
    Transaction transaction(db);
    Check(transaction.Begin());
    std::int64_t id = 0;
    for (Pod& pod : pods) {
      for (std::int64_t& time : pod.times_seconds) time += kHourSeconds;
      Check(rows.MergeIntoChunks(++id, pod.times_seconds, pod.points));
    }
    Check(transaction.Commit());
  }
}

void PrintReads(Connection& db, const char* what, series::FieldMask fields) {
  ChunkReader reader = std::move(ChunkReader::Open(db, kBucketSeconds)).value();
  std::vector<double> microseconds;
  for (std::int64_t id = 1; id <= kPods; id += 3) {
    const StoredSeries series{id, nullptr, kStart, kStart + kHours * kHourSeconds};
    SeriesSlice slice;
    microseconds.push_back(
        MicrosecondsOf([&] { Check(reader.Read(series, kStart, kStart + kHours * kHourSeconds, fields, slice)); }));
    if (slice.points.size() < 8'000) std::exit(2);
  }
  std::sort(microseconds.begin(), microseconds.end());
  std::printf("%-28s median %.0f us, worst %.0f us\n", what, microseconds[microseconds.size() / 2],
              microseconds.back());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const std::string file = std::string(argv[1]) + "/" + kDatabaseName;
  std::filesystem::create_directories(argv[1]);
  for (const char* tail : {"", "-wal", "-shm"}) std::filesystem::remove(file + tail);
  Connection db = std::move(OpenForWriting(file, kBucketSeconds)).value();
  ChunkRows rows = std::move(ChunkRows::Open(db, kBucketSeconds)).value();
  std::size_t values = 0;
  const std::vector<Pod> pods = MakePods(values);

  std::printf("%-28s %.1f us\n", "Merge() of 30 new points", SealParts(db, rows, pods) / (kPods * kPartsOfChunk));
  PrintSize(db, "twelve parts", values);
  const double compact = MicrosecondsOf([&] {
    while (rows.CompactStep(kStart + kHourSeconds).value()) {
    }
  });
  std::printf("%-28s %.1f us\n", "CompactStep(), a series", compact / kPods);
  PrintSize(db, "one chunk", values);
  ImportDay(db, rows, pods);
  PrintSize(db, "24 chunks", values * kHours);
  Connection read = std::move(Connection::Open(file, Connection::Mode::kReadOnly)).value();
  Check(read.Execute("PRAGMA cache_size=-512; BEGIN"));
  PrintReads(read, "Read() of a day, all fields", series::kAllFields);
  PrintReads(read, "Read() of a day, one field", series::MaskOf(series::Field::kMemoryBytes));
}
