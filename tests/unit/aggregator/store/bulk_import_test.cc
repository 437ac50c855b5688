// SPDX-License-Identifier: Apache-2.0
#include "aggregator/store/bulk_import.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "tests/unit/aggregator/store/fixture.h"
#include "tests/unit/aggregator/store/small_disk.h"

using namespace cloudmon;
using namespace cloudmon::store;
using namespace cloudmon::store::test;
namespace fs = std::filesystem;

namespace {

constexpr std::int64_t kBuckets = 200;
constexpr std::int64_t kEnd = kFirst + 10 * kBuckets;

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
  // The entries of one kind, shuffled.
  static std::vector<std::pair<std::int64_t, series::Entry>> Entries(Kind kind) {
    std::vector<std::pair<std::int64_t, series::Entry>> entries;
    for (std::int64_t t = kFirst; t < kEnd; t += 10) {
      for (series::Entry& entry : Cluster(8).At(t).entries) {
        if (entry.member->kind == kind) entries.emplace_back(t, std::move(entry));
      }
    }
    std::shuffle(entries.begin(), entries.end(), std::mt19937(7));
    return entries;
  }
  void Stage(BulkImport& import, Kind kind) {
    REQUIRE(import.BeginPart(series::KindName(kind)).ok());
    for (const auto& [t, entry] : Entries(kind)) {
      REQUIRE(import.Add(t, *entry.member, entry.point).ok());
      expected[{*entry.member, t}] = entry.point;
    }
    REQUIRE(import.EndPart().ok());
  }
  void StageAll(BulkImport& import) {
    for (const Kind kind : {Kind::kNode, Kind::kPod, Kind::kNamespace, Kind::kDeployment, Kind::kCluster}) {
      Stage(import, kind);
    }
  }
};

}  // namespace

TEST_CASE_FIXTURE(ImportFixture, "Import: what was given in any order is in the database") {
  {
    const auto import = Import();
    StageAll(*import);
    std::vector<std::pair<std::size_t, std::size_t>> progress;
    const auto report = import->Merge([&](std::size_t done, std::size_t total) {
      progress.emplace_back(done, total);
      return true;
    });
    REQUIRE(report.ok());
    CHECK(report.value().complete);
    CHECK(report.value().buckets == kBuckets);
    CHECK(report.value().entries == expected.size());
    CHECK(report.value().too_old_buckets == 0);
    CHECK(progress.front() == std::pair<std::size_t, std::size_t>{0, kBuckets});
    CHECK(progress.back() == std::pair<std::size_t, std::size_t>{kBuckets, kBuckets});
    CHECK(progress.size() > 3);
    CHECK(std::is_sorted(progress.begin(), progress.end()));
  }
  CHECK(!fs::exists(Staging()));
  CHECK((Everything(*Open()) == expected));
}

TEST_CASE_FIXTURE(ImportFixture, "Import: an interrupted staging goes on part by part") {
  {
    const auto import = Import();
    Stage(*import, Kind::kNode);
    REQUIRE(import->BeginPart("pod").ok());
    for (int i = 0; i < 1000; ++i) REQUIRE(import->Add(kFirst, {Kind::kPod, "n", "x", "", std::to_string(i)}, {}).ok());
  }
  auto import = Import();
  CHECK(import->IsStaged("node"));
  CHECK(!import->IsStaged("pod"));
  CHECK(import->BeginPart("node").error().code == ErrorCode::kInvalid);
  REQUIRE(import->BeginPart("pod").ok());
  REQUIRE(import->Add(kFirst, {Kind::kPod, "n", "x", "", "forgotten"}, {}).ok());
  Stage(*import, Kind::kPod);  // begins it again
  CHECK(import->IsStaged("pod"));
  REQUIRE(import->Merge(GoOn).ok());
  import.reset();
  CHECK((Everything(*Open()) == expected));
}

TEST_CASE_FIXTURE(ImportFixture, "Import: an interrupted merge goes on, also after an aggregator ran") {
  std::size_t merged = 0;
  {
    const auto import = Import();
    StageAll(*import);
    const auto nothing = import->Merge([](std::size_t, std::size_t) { return false; });
    REQUIRE(nothing.ok());
    CHECK(nothing.value().buckets == 0);
  }
  int runs = 0;
  for (bool complete = false; !complete; ++runs) {
    REQUIRE(runs < 10);
    const std::size_t before = merged;
    {
      const auto import = Import();
      CHECK(import->IsStaged("pod"));
      int calls = 0;
      const auto report = import->Merge([&](std::size_t done, std::size_t total) {
        CHECK(total == kBuckets);
        if (calls == 0) CHECK(done == before);
        return ++calls < 2;
      });
      REQUIRE(report.ok());
      merged += report.value().buckets;
      complete = report.value().complete;
    }
    const auto store = Open();
    Table part = expected;
    std::erase_if(
        part, [&](const auto& item) { return item.first.second >= kFirst + 10 * static_cast<std::int64_t>(merged); });
    CHECK((Everything(*store) == part));
  }
  CHECK(runs > 2);
  CHECK(merged == kBuckets);
  CHECK((Everything(*Open()) == expected));
}

TEST_CASE_FIXTURE(ImportFixture, "Import: an interrupted merge begins anew where its database is gone") {
  {
    const auto import = Import();
    StageAll(*import);
    REQUIRE(!import->Merge([](std::size_t done, std::size_t) { return done == 0; }).value().complete);
  }
  for (const char* suffix : {"", "-wal", "-shm"}) fs::remove(File() + suffix);
  REQUIRE(Import()->Merge(GoOn).ok());
  CHECK((Everything(*Open()) == expected));
}

TEST_CASE_FIXTURE(ImportFixture, "Import: another source, or a damaged staging file, is begun anew") {
  { Stage(*Import("a"), Kind::kNode); }
  CHECK(Import("a")->IsStaged("node"));
  CHECK(!Import("b")->IsStaged("node"));
  CHECK(!Import("a")->IsStaged("node"));
  std::ofstream(Staging(), std::ios::binary) << std::string(5000, '?');
  expected.clear();
  {
    const auto import = Import("a");
    CHECK(!import->IsStaged("node"));
    Stage(*import, Kind::kPod);
    REQUIRE(import->Merge(GoOn).ok());
  }
  CHECK((Everything(*Open()) == expected));
}

TEST_CASE_FIXTURE(ImportFixture, "Import: into a database that has buckets of the same time") {
  {
    const auto store = Open();
    for (std::int64_t t = kFirst - 50; t < kFirst + 500; t += 10) {
      series::Bucket bucket = Cluster(20).At(t);  // all pods of the import, with other values, and more
      for (series::Entry& entry : bucket.entries) entry.point.Set(Field::kPods, 99);
      AddTo(expected, bucket);
      store->Append(std::move(bucket));
    }
  }
  {
    const auto import = Import();
    Stage(*import, Kind::kPod);
    REQUIRE(import->Merge(GoOn).ok());
  }
  CHECK((Everything(*Open()) == expected));
}

TEST_CASE_FIXTURE(ImportFixture, "Import: of what is given twice the first counts, and what it lacks is added") {
  const Member pod{Kind::kPod, "n", "ns", "", "p"};
  Point first;
  first.Set(Field::kCpuMillicores, 1);
  Point second;
  second.Set(Field::kCpuMillicores, 2);
  second.Set(Field::kMemoryBytes, 3);
  {
    const auto import = Import();
    REQUIRE(import->BeginPart("one").ok());
    REQUIRE(import->Add(kFirst, pod, first).ok());
    REQUIRE(import->Add(kFirst + 10, pod, second).ok());
    REQUIRE(import->EndPart().ok());
    REQUIRE(import->BeginPart("two").ok());
    REQUIRE(import->Add(kFirst, pod, second).ok());
    REQUIRE(import->EndPart().ok());
    const auto report = import->Merge(GoOn);
    REQUIRE(report.ok());
    CHECK(report.value().entries == 2);
  }
  first.Set(Field::kMemoryBytes, 3);
  CHECK((Everything(*Open()) == Table{{{pod, kFirst}, first}, {{pod, kFirst + 10}, second}}));
}

TEST_CASE_FIXTURE(ImportFixture, "Import: what is older than the retention is left out and counted") {
  options.retention_seconds = 500;
  std::unique_ptr<BulkImport> import;
  SUBCASE("counted back from the import") {
    import = Import();
    StageAll(*import);
    const auto report = import->Merge(GoOn);
    REQUIRE(report.ok());
    CHECK(report.value().too_old_buckets == kBuckets - 51);
    CHECK(report.value().buckets == 51);
    std::erase_if(expected, [](const auto& item) { return item.first.second < kEnd - 10 - 500; });
  }
  SUBCASE("counted back from the database") {
    Open()->Append(Cluster(3).At(kEnd + 200));
    import = Import();
    StageAll(*import);
    const auto report = import->Merge(GoOn);
    REQUIRE(report.ok());
    CHECK(report.value().too_old_buckets == kBuckets - 30);
    std::erase_if(expected, [](const auto& item) { return item.first.second < kEnd + 200 - 500; });
    AddTo(expected, Cluster(3).At(kEnd + 200));
  }
  SUBCASE("counted back from now, where that is earlier") {
    import = Import();
    StageAll(*import);
    clock.Advance(kFirst * 1000 - clock.NowMs());
    const auto report = import->Merge(GoOn);
    REQUIRE(report.ok());
    CHECK(report.value().too_old_buckets == 0);
  }
  import.reset();
  CHECK((Everything(*Open()) == expected));
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
    const auto store = Open();
    CHECK(refused().message.find("in use by another aggregator") != std::string::npos);
  }
  {
    const auto import = Import();
    CHECK(refused().code == ErrorCode::kDenied);
    CHECK(!Store::Open(options, clock).ok());
  }
  options.interval_seconds = 30;
  CHECK(refused().code == ErrorCode::kInvalid);
  options.interval_seconds = 10;
  std::ofstream(File(), std::ios::binary) << std::string(5000, '?');
  CHECK(refused().code == ErrorCode::kParse);
  options.path = dir.Write("file", "x");
  CHECK(refused().code == ErrorCode::kDenied);
}

TEST_CASE_FIXTURE(ImportFixture, "Import: a database that refuses a bucket; the merge can be called again") {
  Open().reset();
  Connection other = std::move(Connection::Open(File(), Connection::Mode::kReadWrite)).value();
  REQUIRE(other
              .Execute("CREATE TRIGGER refuse BEFORE INSERT ON bucket WHEN NEW.time = " +
                       std::to_string(kFirst + 1000) + " BEGIN SELECT raise(ABORT, 'refused'); END")
              .ok());
  {
    const auto import = Import();
    StageAll(*import);
    const auto failed = import->Merge(GoOn);
    REQUIRE(!failed.ok());
    CHECK(failed.error().message.find("refused") != std::string::npos);
    CHECK(other.QueryInt("SELECT count(DISTINCT time) FROM bucket").value() == 64);
    REQUIRE(other.Execute("DROP TRIGGER refuse").ok());
    const auto report = import->Merge(GoOn);
    REQUIRE(report.ok());
    CHECK(report.value().complete);
    CHECK(report.value().buckets == kBuckets - 64);
  }
  CHECK((Everything(*Open()) == expected));
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
