// SPDX-License-Identifier: Apache-2.0
// Queries of what is no longer in memory: a day of 1,000 pods in chunks, then twenty minutes of 10,000 pods and 500
// deployments in parts. Prints one figure a line: the median and the 99th of a hundred.
// Usage: archive_bench [directory]
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "aggregator/store/archive.h"
#include "aggregator/store/chunk_rows.h"
#include "aggregator/store/database.h"
#include "aggregator/store/directory.h"
#include "aggregator/store/head.h"
#include "aggregator/store/history.h"
#include "aggregator/store/schema.h"
#include "aggregator/store/series_table.h"
#include "bench/codec_bench_series.h"

using namespace cloudmon;
using namespace cloudmon::store;
using series::Kind;

namespace {

constexpr std::int64_t kInterval = 10, kHour = 3600;
constexpr std::int64_t kStart = 498'000 * kHour;
constexpr std::int64_t kEnd = kStart + 24 * kHour;  // of the chunks
constexpr int kCopies = 10;                         // of each pod and deployment

class Stopwatch {
 public:
  [[nodiscard]] double Milliseconds() const {
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin_).count();
  }

 private:
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

// Ends the program where something fails.
template <class T>
T Must(Result<T> result) {
  if (result.ok()) return std::move(result).value();
  std::fprintf(stderr, "%s\n", result.error().message.c_str());
  std::exit(1);
}

series::Member Name(Kind kind, int copy, std::size_t number) {
  const std::string n = std::to_string(copy) + "-" + std::to_string(number);
  const std::string deployment = "deployment-" + std::to_string(number % 50) + "-" + std::to_string(copy);
  const std::string ns = "namespace-" + std::to_string(number % 20);
  if (kind == Kind::kDeployment) return {kind, "", ns, "deployment-" + n, ""};
  return {kind, "node-" + std::to_string(number / 10), ns, deployment, "pod-" + n};
}

class Filler {
 public:
  explicit Filler(const std::string& file)
      : db_(Must(OpenForWriting(file, kInterval))),
        table_(Must(SeriesTable::Open(db_))),
        rows_(Must(ChunkRows::Open(db_, kInterval))) {}

  // The hour's first `count` rows, again and again from `start` to `end`.
  void Write(const series::Member& member, const SeriesChunk& hour, std::size_t count, std::int64_t start,
             std::int64_t end) {
    std::vector<std::int64_t> times;
    std::vector<series::Point> points;
    for (std::int64_t begin = start; begin < end; begin += kHour) {
      for (std::size_t row = 0; row < hour.at.size() && hour.at[row] < count; ++row) {
        times.push_back(begin + kInterval * hour.at[row]);
        points.push_back(RowOf(hour, row));
      }
    }
    if (times.empty()) return;
    const std::int64_t id = Must(table_.Use(member, times.front(), times.back()));
    const bool day = end - start > kHour;
    Must(day ? rows_.MergeIntoChunks(id, times, points) : rows_.Merge(id, times, points));
  }
  Connection& db() { return db_; }

 private:
  Connection db_;
  SeriesTable table_;
  ChunkRows rows_;
};

void Fill(const std::string& file) {
  const auto hour = bench::MakeHour(1000, 360);
  Filler filler(file);
  Must(filler.db().Execute("BEGIN"));
  const Stopwatch day;
  for (std::size_t i = 0; i < hour.at(Kind::kPod).size(); ++i) {
    filler.Write(Name(Kind::kPod, 0, i), hour.at(Kind::kPod)[i], 360, kStart, kEnd);
  }
  std::printf("%-62s %10.2f s\n", "a day of 1,000 pods, written", day.Milliseconds() / 1e3);
  const Stopwatch parts;
  for (int copy = 0; copy < kCopies; ++copy) {
    for (const Kind kind : {Kind::kPod, Kind::kDeployment}) {
      for (std::size_t i = 0; i < hour.at(kind).size(); ++i) {
        filler.Write(Name(kind, copy, i), hour.at(kind)[i], 120, kEnd, kEnd + kHour);
      }
    }
  }
  std::printf("%-62s %10.2f s\n", "two parts of 10,500 series, written", parts.Milliseconds() / 1e3);
  Must(filler.db().Execute("COMMIT"));
  std::printf("%-62s %10.2f MB\n", "database", static_cast<double>(DatabaseBytes(file)) / 1e6);
}

template <class Work>
void Measure(const char* what, Work work) {
  std::vector<double> took;
  std::size_t points = 0;
  for (int i = 0; i < 100; ++i) {
    const Stopwatch watch;
    points = work(i);
    took.push_back(watch.Milliseconds());
  }
  std::sort(took.begin(), took.end());
  std::printf("%-45s %8zu points %8.2f %8.2f ms\n", what, points, took[50], took[98]);
}

std::size_t CountPoints(const std::vector<SeriesSlice>& slices) {
  std::size_t points = 0;
  for (const SeriesSlice& slice : slices) points += slice.points.size();
  return points;
}

void Query(const std::string& file) {
  const Archive archive(file, kInterval);
  const auto select = [&](const Selector& selector, std::int64_t start, std::int64_t end, series::FieldMask fields) {
    return CountPoints(Must(archive.Select(selector, start, end, fields, SIZE_MAX)));
  };
  const auto pod = [](int i) { return Selector{Kind::kPod, "", "", "", "pod-0-" + std::to_string(i * 7)}; };
  const series::FieldMask cpu = series::MaskOf(series::Field::kCpuMillicores);
  const std::int64_t end = kEnd + 120 * kInterval;
  Measure("one pod, a day", [&](int i) { return select(pod(i), kStart, kEnd, series::kAllFields); });
  Measure("one pod, a day, one field", [&](int i) { return select(pod(i), kStart, kEnd, cpu); });
  Measure("one pod, the day's last 12 buckets",
          [&](int i) { return select(pod(i), kEnd - 120, kEnd, series::kAllFields); });
  Measure("one pod, 120 buckets of parts", [&](int i) { return select(pod(i), kEnd, end, series::kAllFields); });
  Measure("500 deployments, 120 buckets of parts", [&](int) {
    return select({Kind::kDeployment, "", "", "", ""}, kEnd, end, series::kAllFields);
  });
  Measure("500 deployments, 120 buckets of parts, one field", [&](int) {
    return select({Kind::kDeployment, "", "", "", ""}, kEnd, end, cpu);
  });
  Measure("10,000 pods, 12 buckets of parts", [&](int) {
    return select({Kind::kPod, "", "", "", ""}, end - 120, end, series::kAllFields);
  });
  Measure("10,000 pods, 12 buckets of parts, one field", [&](int) {
    return select({Kind::kPod, "", "", "", ""}, end - 120, end, cpu);
  });
  Measure("knows a pod", [&](int i) { return Must(archive.Knows(pod(i))) ? 1U : 0U; });
}

void Export(const std::string& file) {
  const Head head(0);
  const Archive archive(file, kInterval);
  std::size_t points = 0;
  const Stopwatch watch;
  Must(History(head, archive, kInterval)
           .ForEach(
               {Kind::kPod, "", "", "", ""}, 0, INT64_MAX,
               [](const series::Member& a, const series::Member& b) { return a.pod < b.pod; }, 200'000,
               [&points](const SeriesSlice& slice) {
                 points += slice.points.size();
                 return true;
               }));
  std::printf("%-45s %8zu points %8.2f M points a second\n", "all pods in passes", points,
              static_cast<double>(points) / watch.Milliseconds() / 1e3);
}

}  // namespace

int main(int argc, char** argv) {
  const std::filesystem::path directory =
      argc > 1 ? argv[1] : std::filesystem::temp_directory_path() / "cloudmon-archive-bench";
  std::filesystem::remove_all(directory);
  std::filesystem::create_directories(directory);
  const std::string file = (directory / kDatabaseName).string();
  Fill(file);
  Query(file);
  Export(file);
  std::filesystem::remove_all(directory);
  return 0;
}
