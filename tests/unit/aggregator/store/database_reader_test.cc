// SPDX-License-Identifier: Apache-2.0
#include "aggregator/store/database_reader.h"

#include <doctest/doctest.h>

#include <atomic>
#include <thread>

#include "tests/unit/aggregator/store/stored.h"

using namespace cloudmon;
using namespace cloudmon::store;
using namespace cloudmon::store::test;

namespace {

const Selector kPods{Kind::kPod, "", "", "", ""};

bool NoOrder(const Member& /*a*/, const Member& /*b*/) {
  return false;
}

Table PodsOf(const DatabaseReader& reader) {
  std::vector<SeriesSlice> slices;
  const auto take = [&slices](SeriesSlice slice) {
    CHECK(std::is_sorted(slice.times_seconds.begin(), slice.times_seconds.end()));
    slices.push_back(std::move(slice));
    return true;
  };
  CHECK(reader.ForEach(kPods, 0, INT64_MAX, NoOrder, 100, take).ok());
  return TableOf(slices);
}

struct ReaderFixture : StoredFixture {
  [[nodiscard]] std::unique_ptr<DatabaseReader> Open() const {
    auto reader = DatabaseReader::Open(dir.path());
    REQUIRE_MESSAGE(reader.ok(), (reader.ok() ? "" : reader.error().message));
    return std::move(reader).value();
  }
};

}  // namespace

TEST_CASE_FIXTURE(ReaderFixture, "DatabaseReader: blobs alone, the journal too, the journal alone") {
  const auto empty = Open();
  CHECK(empty->interval_seconds() == kInterval);
  CHECK(empty->NewestSeconds().value() == 0);
  CHECK(empty->CountMembers(kPods, 0).value() == 0);
  CHECK(PodsOf(*empty).empty());

  Seal(Cluster(5), kFirst, 100);  // as after an import
  const auto imported = Open();
  CHECK(imported->NewestSeconds().value() == kFirst + 990);
  CHECK((PodsOf(*imported) == Expected(kPods, 0, INT64_MAX)));

  Append(Cluster(8), kFirst + 1000, 30);
  const auto both = Open();
  CHECK(both->NewestSeconds().value() == kFirst + 1290);
  CHECK(both->CountMembers(kPods, 0).value() == 8);
  CHECK((PodsOf(*both) == Expected(kPods, 0, INT64_MAX)));
  CHECK((PodsOf(*imported) == Expected(kPods, 0, kFirst + 1000)));  // opened before

  REQUIRE(sealing.db().Execute("DELETE FROM part").ok());
  const auto journal = Open();
  CHECK(journal->NewestSeconds().value() == kFirst + 1290);
  CHECK((PodsOf(*journal) == Expected(kPods, kFirst + 1000, INT64_MAX)));
}

TEST_CASE_FIXTURE(ReaderFixture, "DatabaseReader: a damaged bucket of the journal is a gap") {
  Append(Cluster(8), kFirst, 5);
  REQUIRE(
      sealing.db()
          .Execute("UPDATE bucket SET document = substr(document, 1, 50) WHERE time = " + std::to_string(kFirst + 20))
          .ok());
  Table expected = Expected(kPods, 0, INT64_MAX);
  std::erase_if(expected, [](const auto& item) { return item.first.second == kFirst + 20; });
  CHECK((PodsOf(*Open()) == expected));
}

TEST_CASE_FIXTURE(ReaderFixture, "DatabaseReader: no database, and one that cannot be used") {
  auto refused = [&](const std::string& path) {
    const auto reader = DatabaseReader::Open(path);
    REQUIRE(!reader.ok());
    CHECK(reader.error().message.find("storage.path: ") == 0);
    CHECK(reader.error().message.find(path + "/cloud-monitor.db") != std::string::npos);
    return reader.error().code;
  };
  CHECK(refused(dir.path() + "/none") == ErrorCode::kNotFound);
  CHECK(refused(dir.MakeDir("empty")) == ErrorCode::kNotFound);
  dir.Write("other/cloud-monitor.db", std::string(5000, '?'));
  CHECK(refused(dir.path() + "/other") == ErrorCode::kParse);
  REQUIRE(sealing.db().Execute("UPDATE meta SET value = '99' WHERE key = 'format'").ok());
  CHECK(refused(dir.path()) == ErrorCode::kParse);
}

TEST_CASE_FIXTURE(ReaderFixture, "DatabaseReader: beside a store that writes and seals") {
  constexpr std::int64_t kBuckets = 600;
  const Cluster cluster(6);
  std::atomic<std::int64_t> written{0};
  std::thread writer([&] {
    std::vector<series::Bucket> unsealed;
    for (std::int64_t i = 0; i < kBuckets; ++i) {
      unsealed.push_back(cluster.At(kFirst + kInterval * i));
      sealing.WriteJournal(*head.Append(unsealed.back()), head);
      written = i + 1;
      if (i % 50 != 49) continue;
      sealing.Write(unsealed);
      unsealed.clear();
      sealing.Compact(kFirst + kInterval * i);
    }
  });
  Table expected;
  std::int64_t added = 0;
  int rounds = 0;
  while (added < kBuckets) {
    const std::int64_t at_least = written;
    const auto reader = Open();
    const std::int64_t newest = reader->NewestSeconds().value();
    if (at_least == 0) continue;
    CHECK(newest >= kFirst + kInterval * (at_least - 1));
    for (; kFirst + kInterval * added <= newest; ++added) AddTo(expected, cluster.At(kFirst + kInterval * added));
    std::erase_if(expected, [](const auto& item) { return item.first.first.kind != Kind::kPod; });
    Table got = PodsOf(*reader);
    std::erase_if(got, [newest](const auto& item) { return item.first.second > newest; });
    CHECK((got == expected));
    ++rounds;
  }
  writer.join();
  CHECK(rounds > 0);
}
