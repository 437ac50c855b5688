// SPDX-License-Identifier: Apache-2.0
#include "aggregator/store/database_reader.h"

#include <doctest/doctest.h>

#include <atomic>
#include <thread>

#include "aggregator/store/database.h"
#include "tests/unit/aggregator/store/fixture.h"

using namespace cloudmon;
using namespace cloudmon::store;
using namespace cloudmon::store::test;

namespace {

bool NoOrder(const Member& /*a*/, const Member& /*b*/) {
  return false;
}

Table PodsOf(const DatabaseReader& reader, std::int64_t end_seconds) {
  std::vector<SeriesSlice> slices;
  const auto take = [&slices](SeriesSlice slice) {
    slices.push_back(std::move(slice));
    return true;
  };
  CHECK(reader.ForEach({Kind::kPod, "", "", "", ""}, 0, end_seconds, NoOrder, 100, take).ok());
  return TableOf(slices);
}

}  // namespace

TEST_CASE_FIXTURE(StoreFixture, "DatabaseReader: what it says of a database") {
  options.interval_seconds = 30;
  Open().reset();
  {
    const auto empty = std::move(DatabaseReader::Open(options.path)).value();
    CHECK(empty->interval_seconds() == 30);
    CHECK(empty->OldestSeconds().value() == 0);
    CHECK(empty->NewestSeconds().value() == 0);
    CHECK(PodsOf(*empty, INT64_MAX).empty());
  }
  for (const std::int64_t t : {900'000, 900'030, 900'090}) Open()->Append(Cluster(3).At(t));
  const auto reader = std::move(DatabaseReader::Open(options.path)).value();  // after the aggregator ended
  CHECK(reader->OldestSeconds().value() == 900'000);
  CHECK(reader->NewestSeconds().value() == 900'090);
  CHECK(!PodsOf(*reader, INT64_MAX).empty());
}

TEST_CASE_FIXTURE(StoreFixture, "DatabaseReader: no database, and one that cannot be used") {
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
  Open().reset();
  REQUIRE(Connection::Open(File(), Connection::Mode::kReadWrite)
              .value()
              .Execute("UPDATE meta SET value = '99' WHERE key = 'format'")
              .ok());
  CHECK(refused(options.path) == ErrorCode::kParse);
}

TEST_CASE_FIXTURE(StoreFixture, "DatabaseReader: beside a store that writes") {
  constexpr std::int64_t kBuckets = 120;
  const Cluster cluster(10);
  const auto store = Open();
  store->Append(cluster.At(kFirst));
  WaitWritten(*store);
  const auto reader = std::move(DatabaseReader::Open(options.path)).value();
  std::atomic<bool> done{false};
  std::thread writer([&] {
    for (std::int64_t i = 1; i < kBuckets; ++i) store->Append(cluster.At(kFirst + 10 * i));
    StoreFixture::WaitWritten(*store);
    done = true;
  });
  Table expected;
  std::int64_t added = kFirst - 10;
  int rounds = 0;
  do {
    const std::int64_t newest = reader->NewestSeconds().value();
    for (; added < newest;) AddTo(expected, cluster.At(added += 10));
    std::erase_if(expected, [](const auto& item) { return item.first.first.kind != Kind::kPod; });
    CHECK((PodsOf(*reader, newest + 1) == expected));
    ++rounds;
  } while (!done || added < kFirst + 10 * (kBuckets - 1));
  writer.join();
  CHECK(rounds > 0);
  CHECK(store->Stats().write_failures == 0);
}
