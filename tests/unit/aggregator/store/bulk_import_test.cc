// SPDX-License-Identifier: Apache-2.0
#include "aggregator/store/bulk_import.h"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>

#include "aggregator/store/chunk_rows.h"
#include "aggregator/store/directory.h"
#include "aggregator/store/schema.h"
#include "aggregator/store/series_table.h"
#include "tests/unit/aggregator/store/fixture.h"
#include "tests/unit/aggregator/store/small_disk.h"

using namespace cloudmon;
using namespace cloudmon::store;
using namespace cloudmon::store::test;
namespace fs = std::filesystem;

namespace {

constexpr std::int64_t kBuckets = 800;  // in three chunks
constexpr std::int64_t kEnd = kFirst + 10 * kBuckets;
constexpr std::size_t kBatchPoints = 1000;  // a small part of all
constexpr std::array kKinds{Kind::kNode, Kind::kPod, Kind::kNamespace, Kind::kDeployment, Kind::kCluster};

bool GoOn(std::size_t /*done*/, std::size_t /*total*/) {
  return true;
}

struct ImportFixture : StoreFixture {
  Table expected;

  [[nodiscard]] std::string Staging() const { return options.path + "/import.db"; }
  [[nodiscard]] std::unique_ptr<BulkImport> Import(const std::string& source = "a") const {
    auto opened = BulkImport::Open(options, source, clock);
    REQUIRE_MESSAGE(opened.ok(), (opened.ok() ? "" : opened.error().message));
    return std::move(opened).value();
  }
  [[nodiscard]] Connection Database() const {
    auto db = OpenForWriting(File(), options.interval_seconds);
    REQUIRE_MESSAGE(db.ok(), (db.ok() ? "" : db.error().message));
    return std::move(db).value();
  }
  // All that is in parts and chunks.
  [[nodiscard]] Table Stored() const {
    Connection db = Database();
    SeriesTable series = std::move(SeriesTable::Open(db)).value();
    ChunkReader reader = std::move(ChunkReader::Open(db, options.interval_seconds)).value();
    Table table;
    for (const Kind kind : kKinds) {
      const auto found = series.Find({kind, "", "", "", ""}, 0, kEnd + 1'000'000);
      REQUIRE(found.ok());
      for (const StoredSeries& stored : found.value()) {
        SeriesSlice slice{stored.member, {}, {}};
        REQUIRE(reader.Read(stored, 0, kEnd + 1'000'000, series::kAllFields, slice).ok());
        CHECK(stored.first_seconds <= slice.times_seconds.front());
        CHECK(stored.last_seconds + kTouchSeconds >= slice.times_seconds.back());
        table.merge(TableOf({slice}));
      }
    }
    return table;
  }
  [[nodiscard]] std::int64_t QueryInt(const std::string& sql) const { return Database().QueryInt(sql).value(); }
  // Puts buckets into the database's parts or chunks.
  template <class Merge>
  void Put(const std::vector<series::Bucket>& buckets, Merge merge) {
    fs::create_directories(options.path);
    Connection db = Database();
    SeriesTable series = std::move(SeriesTable::Open(db)).value();
    ChunkRows rows = std::move(ChunkRows::Open(db, options.interval_seconds)).value();
    Transaction transaction(db);
    REQUIRE(transaction.Begin().ok());
    for (const series::Bucket& bucket : buckets) {
      for (const series::Entry& entry : bucket.entries) {
        const auto id = series.Use(*entry.member, bucket.time_seconds, bucket.time_seconds);
        REQUIRE(id.ok());
        const Status merged = (rows.*merge)(id.value(), std::span(&bucket.time_seconds, 1), std::span(&entry.point, 1));
        REQUIRE(merged.ok());
      }
      AddTo(expected, bucket);
    }
    REQUIRE(transaction.Commit().ok());
  }
  // The entries of one kind, shuffled or member after member.
  static std::vector<std::pair<std::int64_t, series::Entry>> Entries(Kind kind, bool shuffled) {
    std::vector<std::pair<std::int64_t, series::Entry>> entries;
    for (std::int64_t t = kFirst; t < kEnd; t += 10) {
      for (series::Entry& entry : Cluster(8).At(t).entries) {
        if (entry.member->kind == kind) entries.emplace_back(t, std::move(entry));
      }
    }
    if (shuffled) {
      std::shuffle(entries.begin(), entries.end(), std::mt19937(7));
    } else {
      std::ranges::stable_sort(entries, {}, [](const auto& item) { return *item.second.member; });
    }
    return entries;
  }
  void Stage(BulkImport& import, Kind kind, bool shuffled = false) {
    REQUIRE(import.BeginPart(series::KindName(kind)).ok());
    for (const auto& [t, entry] : Entries(kind, shuffled)) {
      REQUIRE(import.Add(t, *entry.member, entry.point).ok());
      expected[{*entry.member, t}] = entry.point;
    }
    REQUIRE(import.EndPart().ok());
  }
  void StageAll(BulkImport& import, bool shuffled = false) {
    for (const Kind kind : kKinds) Stage(import, kind, shuffled);
  }
  // That what is there is as it should be in the end.
  void CheckNothingElse() const {
    for (const auto& [key, point] : Stored()) {
      const auto found = expected.find(key);
      REQUIRE(found != expected.end());
      CHECK((found->second == point));
    }
  }
};

}  // namespace

TEST_CASE_FIXTURE(ImportFixture, "Import: what was given in any order is in the database") {
  for (const bool shuffled : {true, false}) {
    CAPTURE(shuffled);
    fs::remove_all(options.path);
    {
      const auto import = Import();
      StageAll(*import, shuffled);
      std::vector<std::pair<std::size_t, std::size_t>> progress;
      const auto report = import->Merge(
          [&](std::size_t done, std::size_t total) {
            progress.emplace_back(done, total);
            return true;
          },
          kBatchPoints);
      REQUIRE(report.ok());
      CHECK(report.value().complete);
      CHECK(report.value().buckets == kBuckets);
      CHECK(report.value().entries == expected.size());
      CHECK(report.value().too_old_buckets == 0);
      CHECK(progress.front() == std::pair<std::size_t, std::size_t>{0, expected.size()});
      CHECK(progress.back() == std::pair{expected.size(), expected.size()});
      CHECK(progress.size() > 3);
      CHECK(std::is_sorted(progress.begin(), progress.end()));
    }
    CHECK(!fs::exists(Staging()));
    CHECK((Stored() == expected));
    CHECK(QueryInt("SELECT count(*) FROM part") == 0);
    CHECK(QueryInt("SELECT count(*) FROM chunk") == 3 * 15);
    CHECK(QueryInt("SELECT count(*) FROM meta") == 2);
  }
}

TEST_CASE_FIXTURE(ImportFixture, "Import: an interrupted staging goes on part by part") {
  {
    const auto import = Import();
    Stage(*import, Kind::kNode);
    REQUIRE(import->BeginPart("pod").ok());
    for (int i = 0; i < 1000; ++i) REQUIRE(import->Add(kFirst, {Kind::kPod, "n", "x", "", std::to_string(i)}, {}).ok());
  }
  const auto import = Import();
  CHECK(import->IsStaged("node"));
  CHECK(!import->IsStaged("pod"));
  CHECK(import->BeginPart("node").error().code == ErrorCode::kInvalid);
  REQUIRE(import->BeginPart("pod").ok());
  REQUIRE(import->Add(kFirst, {Kind::kPod, "n", "x", "", "forgotten"}, {}).ok());
  Stage(*import, Kind::kPod);  // begins it again
  CHECK(import->IsStaged("pod"));
  REQUIRE(import->Merge(GoOn).ok());
  CHECK((Stored() == expected));
}

TEST_CASE_FIXTURE(ImportFixture, "Import: an interrupted merge goes on") {
  {
    const auto import = Import();
    StageAll(*import);
    const auto nothing = import->Merge([](std::size_t, std::size_t) { return false; });
    REQUIRE(nothing.ok());
    CHECK(nothing.value().entries == 0);
    CHECK(!nothing.value().complete);
  }
  std::size_t merged = 0;
  int runs = 0;
  for (bool complete = false; !complete; ++runs) {
    REQUIRE(runs < 20);
    const auto import = Import();
    CHECK(import->IsStaged("pod"));
    int calls = 0;
    const auto report = import->Merge(
        [&](std::size_t done, std::size_t total) {
          CHECK(total == expected.size());
          if (calls == 0) CHECK(done == merged);
          return ++calls < 2;
        },
        kBatchPoints);
    REQUIRE(report.ok());
    CHECK(report.value().entries > merged);
    merged = report.value().entries;
    complete = report.value().complete;
    CHECK(Stored().size() == merged);
    CheckNothingElse();
  }
  CHECK(runs > 5);
  CHECK((Stored() == expected));
}

TEST_CASE_FIXTURE(ImportFixture, "Import: killed at every step, it goes on") {
  // In the child: stages what is not staged and merges, telling the parent of each step.
  auto run = [&](int pipe) {
    auto tell = [pipe] { return ::write(pipe, "x", 1) == 1; };
    const auto import = Import();
    for (const Kind kind : kKinds) {
      tell();
      if (!import->IsStaged(series::KindName(kind))) Stage(*import, kind);
    }
    const auto report = import->Merge([&](std::size_t, std::size_t) { return tell(); }, kBatchPoints);
    ::_exit(report.ok() && report.value().complete ? 0 : 1);
  };
  for (const Kind kind : kKinds) {
    for (const auto& [t, entry] : Entries(kind, false)) expected[{*entry.member, t}] = entry.point;
  }
  int kills = 0;
  for (int steps = 1;; ++steps) {
    REQUIRE(steps < 100);
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      ::close(ends[0]);
      run(ends[1]);
    }
    ::close(ends[1]);
    char byte = 0;
    for (int i = 0; i < steps && ::read(ends[0], &byte, 1) == 1; ++i) {
    }
    ::kill(child, SIGKILL);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    ::close(ends[0]);
    CheckNothingElse();
    if (WIFSIGNALED(status)) {
      ++kills;
      continue;
    }
    CHECK(WEXITSTATUS(status) == 0);
    break;
  }
  CHECK(kills > 8);
  CHECK(!fs::exists(Staging()));
  CHECK((Stored() == expected));
}

TEST_CASE_FIXTURE(ImportFixture, "Import: an interrupted merge begins anew in a database that is another") {
  auto merge_some = [](BulkImport& import) {
    REQUIRE(!import.Merge([](std::size_t done, std::size_t) { return done == 0; }, kBatchPoints).value().complete);
  };
  {
    const auto import = Import();
    StageAll(*import);
    merge_some(*import);
  }
  for (const char* suffix : {"", "-wal", "-shm"}) fs::remove(File() + suffix);
  SUBCASE("empty") {}
  SUBCASE("with the same series") {
    Put({Cluster(8).At(kFirst)}, &ChunkRows::Merge);
  }
  SUBCASE("with a part of another import") {
    fs::rename(Staging(), Staging() + ".aside");
    {
      const auto other = Import("b");
      Stage(*other, Kind::kPod);
      merge_some(*other);
    }
    fs::rename(Staging() + ".aside", Staging());
  }
  const auto report = Import()->Merge(GoOn, kBatchPoints);
  REQUIRE(report.ok());
  CHECK(report.value().entries == expected.size());
  CHECK((Stored() == expected));
}

TEST_CASE_FIXTURE(ImportFixture, "Import: another source, or a damaged staging file, is begun anew") {
  { Stage(*Import("a"), Kind::kNode); }
  CHECK(Import("a")->IsStaged("node"));
  CHECK(!Import("b")->IsStaged("node"));
  CHECK(!Import("a")->IsStaged("node"));
  std::ofstream(Staging(), std::ios::binary) << std::string(5000, '?');
  expected.clear();
  const auto import = Import("a");
  CHECK(!import->IsStaged("node"));
  Stage(*import, Kind::kPod);
  REQUIRE(import->Merge(GoOn).ok());
  CHECK((Stored() == expected));
}

TEST_CASE_FIXTURE(ImportFixture, "Import: into a database that has chunks and parts of the same members") {
  std::vector<series::Bucket> in_chunks;
  std::vector<series::Bucket> in_parts;
  for (std::int64_t t = kFirst - 50; t < kEnd + 50; t += 70) {
    series::Bucket bucket = Cluster(20).At(t);  // all pods of the import, with other values, and more
    for (series::Entry& entry : bucket.entries) entry.point.Set(Field::kPods, 99);
    (t < kFirst + 3000 ? in_chunks : in_parts).push_back(std::move(bucket));
  }
  Put(in_chunks, &ChunkRows::MergeIntoChunks);
  Put(in_parts, &ChunkRows::Merge);
  REQUIRE(QueryInt("SELECT count(*) FROM part") > 0);
  const auto import = Import();
  Stage(*import, Kind::kPod);
  REQUIRE(import->Merge(GoOn, kBatchPoints).ok());
  CHECK((Stored() == expected));
}

TEST_CASE_FIXTURE(ImportFixture, "Import: into what an aggregator wrote, and another goes on with") {
  {
    const auto store = Open();
    for (std::int64_t t = kFirst - 50; t < kFirst + 1500; t += 10) {
      series::Bucket bucket = Cluster(20).At(t);
      for (series::Entry& entry : bucket.entries) entry.point.Set(Field::kPods, 99);
      AddTo(expected, bucket);
      store->Append(std::move(bucket));
    }
  }
  const Table before = expected;
  REQUIRE(QueryInt("SELECT count(*) FROM bucket") > 0);
  {
    const auto import = Import();
    StageAll(*import);
    REQUIRE(!import->Merge([](std::size_t done, std::size_t) { return done == 0; }, kBatchPoints).value().complete);
  }
  CHECK(QueryInt("SELECT count(*) FROM bucket") == 0);
  const series::Bucket later = Cluster(8).At(kEnd);
  {
    const auto store = Open();
    for (const auto& [key, point] : Everything(*store)) {
      CHECK((point == expected.at(key) || (before.contains(key) && point == before.at(key))));
    }
    store->Append(later);
  }
  AddTo(expected, later);
  REQUIRE(Import()->Merge(GoOn, kBatchPoints).ok());
  CHECK((Everything(*Open()) == expected));
}

TEST_CASE_FIXTURE(ImportFixture, "Import: the same again changes nothing") {
  for (int i = 0; i < 2; ++i) {
    const auto import = Import();
    StageAll(*import);
    REQUIRE(import->Merge(GoOn).ok());
    CHECK((Stored() == expected));
  }
}

TEST_CASE_FIXTURE(ImportFixture, "Import: of what is given twice the first counts, and what it lacks is added") {
  const Member cluster{Kind::kCluster, "", "", "", ""};
  Point first;
  first.Set(Field::kCpuMillicores, 1);
  Point second;
  second.Set(Field::kCpuMillicores, 2);
  second.Set(Field::kMemoryBytes, 3);
  const auto import = Import();
  REQUIRE(import->BeginPart("one").ok());
  REQUIRE(import->Add(kFirst, cluster, first).ok());
  REQUIRE(import->Add(kFirst + 10, cluster, second).ok());
  REQUIRE(import->EndPart().ok());
  REQUIRE(import->BeginPart("two").ok());
  REQUIRE(import->Add(kFirst, cluster, second).ok());
  REQUIRE(import->EndPart().ok());
  std::vector<std::size_t> progress;
  const auto report = import->Merge([&](std::size_t done, std::size_t total) {
    progress.push_back(done);
    return total == 3;
  });
  REQUIRE(report.ok());
  CHECK(report.value().entries == 2);
  CHECK(report.value().buckets == 2);
  CHECK(progress == std::vector<std::size_t>{0, 3});
  first.Set(Field::kMemoryBytes, 3);
  CHECK((Stored() == Table{{{cluster, kFirst}, first}, {{cluster, kFirst + 10}, second}}));
}

TEST_CASE_FIXTURE(ImportFixture, "Import: what is older than the retention is left out and counted") {
  options.retention_seconds = 5000;
  SUBCASE("counted back from the import") {
    const auto import = Import();
    StageAll(*import);
    const auto report = import->Merge(GoOn);
    REQUIRE(report.ok());
    CHECK(report.value().too_old_buckets == kBuckets - 501);
    CHECK(report.value().buckets == 501);
    std::erase_if(expected, [](const auto& item) { return item.first.second < kEnd - 10 - 5000; });
    CHECK(report.value().entries == expected.size());
  }
  SUBCASE("counted back from the database") {
    Put({Cluster(3).At(kEnd + 2000)}, &ChunkRows::Merge);
    const auto import = Import();
    StageAll(*import);
    const auto report = import->Merge(GoOn);
    REQUIRE(report.ok());
    CHECK(report.value().too_old_buckets == kBuckets - 300);
    std::erase_if(expected, [](const auto& item) { return item.first.second < kEnd + 2000 - 5000; });
  }
  SUBCASE("counted back from an aggregator's newest bucket") {
    Open()->Append(Cluster(3).At(kEnd + 2000));
    AddTo(expected, Cluster(3).At(kEnd + 2000));
    const auto import = Import();
    StageAll(*import);
    const auto report = import->Merge(GoOn);
    REQUIRE(report.ok());
    CHECK(report.value().too_old_buckets == kBuckets - 300);
    std::erase_if(expected, [](const auto& item) { return item.first.second < kEnd + 2000 - 5000; });
  }
  SUBCASE("counted back from now, where that is earlier") {
    const auto import = Import();
    StageAll(*import);
    clock.Advance(kFirst * 1000 - clock.NowMs());
    const auto report = import->Merge(GoOn);
    REQUIRE(report.ok());
    CHECK(report.value().too_old_buckets == 0);
  }
  SUBCASE("and is not lost where the retention is longer when it goes on") {
    {
      const auto import = Import();
      StageAll(*import);
      REQUIRE(!import->Merge([](std::size_t done, std::size_t) { return done == 0; }, kBatchPoints).value().complete);
    }
    options.retention_seconds = 100'000;
    const auto report = Import()->Merge(GoOn);
    REQUIRE(report.ok());
    CHECK(report.value().entries == expected.size());
  }
  CHECK((Stored() == expected));
}

TEST_CASE_FIXTURE(ImportFixture, "Import: times that are no bucket's are refused") {
  const auto import = Import();
  REQUIRE(import->BeginPart("x").ok());
  for (const std::int64_t t : {kFirst + 5, kFirst + 1, std::int64_t{0}, -kFirst, std::int64_t{INT64_MAX}}) {
    const Status refused = import->Add(t, {}, {});
    REQUIRE(!refused.ok());
    CHECK(refused.error().code == ErrorCode::kInvalid);
    CHECK(refused.error().message.find("scrape.interval") != std::string::npos);
  }
}

TEST_CASE_FIXTURE(ImportFixture, "Import: buckets of the future are refused, for an aggregator would stop there") {
  const auto import = Import();
  REQUIRE(import->BeginPart("x").ok());
  const std::int64_t now_seconds = clock.NowMs() / 1000;
  CHECK(import->Add(now_seconds + 60, {}, {}).ok());
  const Status refused = import->Add(now_seconds + 70, {}, {});
  REQUIRE(!refused.ok());
  CHECK(refused.error().code == ErrorCode::kInvalid);
  CHECK(refused.error().message.find("in the future") != std::string::npos);
}

TEST_CASE_FIXTURE(ImportFixture, "Import: not beside an aggregator or another import, and not with another interval") {
  auto refused = [&] {
    const auto import = BulkImport::Open(options, "a", clock);
    REQUIRE(!import.ok());
    const std::size_t setting = import.error().message.find("storage.path: ");
    CHECK(setting != std::string::npos);
    CHECK(import.error().message.find("storage.path: ", setting + 1) == std::string::npos);
    return import.error();
  };
  {
    const auto aggregator = LockDirectory(options.path);
    CHECK(refused().message.find("in use by another aggregator") != std::string::npos);
  }
  {
    const auto import = Import();
    CHECK(refused().code == ErrorCode::kDenied);
    CHECK(!LockDirectory(options.path).ok());
  }
  options.interval_seconds = 30;
  CHECK(refused().code == ErrorCode::kInvalid);
  options.interval_seconds = 10;
  std::ofstream(File(), std::ios::binary) << std::string(5000, '?');
  CHECK(refused().code == ErrorCode::kParse);
  options.path = dir.Write("file", "x");
  CHECK(refused().code == ErrorCode::kDenied);
}

TEST_CASE_FIXTURE(ImportFixture, "Import: a database that refuses a chunk; the merge can be called again") {
  const auto import = Import();
  StageAll(*import);
  Connection other = Database();
  REQUIRE(other
              .Execute("CREATE TRIGGER refuse BEFORE INSERT ON chunk WHEN NEW.key >> 32 = " +
                       std::to_string(ChunkGrid(10).NumberOf(kEnd - 10)) + " BEGIN SELECT raise(ABORT, 'refused'); END")
              .ok());
  std::size_t committed = 0;
  const auto failed = import->Merge(
      [&](std::size_t done, std::size_t) {
        committed = done;
        return true;
      },
      kBatchPoints);
  REQUIRE(!failed.ok());
  CHECK(failed.error().message.find("refused") != std::string::npos);
  CHECK(committed > kBatchPoints);
  CHECK(Stored().size() == committed);
  REQUIRE(other.Execute("DROP TRIGGER refuse").ok());
  const auto report = import->Merge(GoOn);
  REQUIRE(report.ok());
  CHECK(report.value().complete);
  CHECK(report.value().entries == expected.size());
  CHECK((Stored() == expected));
}

TEST_CASE_FIXTURE(ImportFixture, "Import: a full disk while staging, and again when there is room") {
  const SmallDisk disk(dir.MakeDir("disk"));
  if (!disk.mounted()) {
    MESSAGE("skipped: mounting a small file system needs root");
    return;
  }
  options.path = dir.path() + "/disk/data";
  const auto import = Import();
  REQUIRE(import->BeginPart("pod").ok());
  const series::Entry entry = Cluster(8).At(kFirst).entries[3];
  Status status = Status::Ok();
  for (std::int64_t i = 0; i < 10'000'000 && status.ok(); ++i) {
    status = import->Add(kFirst + 10 * (i % 1000), *entry.member, entry.point);
  }
  REQUIRE(!status.ok());
  CHECK(status.error().code == ErrorCode::kIo);
  CHECK(status.error().message.find("import.db: ") != std::string::npos);
  CHECK(!import->EndPart().ok());
  CHECK(!import->IsStaged("pod"));
  REQUIRE(import->BeginPart("node").ok());
  REQUIRE(import->Add(kFirst, {Kind::kNode, "n", "", "", ""}, {}).ok());
  REQUIRE(import->EndPart().ok());
  const auto report = import->Merge(GoOn);
  REQUIRE(report.ok());
  CHECK(report.value().entries == 1);
}
