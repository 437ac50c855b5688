// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "aggregator/store/database.h"
#include "tests/unit/aggregator/store/fixture.h"

using namespace cloudmon;
using namespace cloudmon::store;
using namespace cloudmon::store::test;

namespace {

std::int64_t Query(const std::string& file, const std::string& sql) {
  Connection db = std::move(Connection::Open(file, Connection::Mode::kReadOnly)).value();
  return db.QueryInt(sql).value();
}

}  // namespace

TEST_CASE_FIXTURE(StoreFixture, "Buckets older than the retention go, from memory and database") {
  options.retention_seconds = 1000;
  const auto store = Open();
  const std::int64_t last = kFirst + 12'000;
  for (std::int64_t t = kFirst; t <= last; t += 10) store->Append(Cluster(4).At(t));
  WaitWritten(*store);
  // By whole chunks, or the parts of the newest ones.
  REQUIRE(Eventually([&] { return store->Stats().oldest_bucket_seconds > last - 1000 - 3600; }));
  const std::int64_t kept_from = store->Stats().oldest_bucket_seconds;
  CHECK(kept_from <= last - 1000);
  CHECK(Everything(*store, 0, kept_from).empty());
  CHECK(!Everything(*store, last - 1000, last - 990).empty());
}

TEST_CASE_FIXTURE(StoreFixture, "A lower retention takes effect at once and gives space back") {
  std::int64_t last = kFirst;
  const auto store = Open();
  for (; last < kFirst + 30'000; last += 10) store->Append(Cluster(30).At(last));
  WaitWritten(*store);
  const std::int64_t pages = Query(File(), "PRAGMA page_count");
  store->SetRetention(500);
  REQUIRE(Eventually([&] { return Query(File(), "PRAGMA page_count") < pages / 2; }));
  CHECK(Eventually([&] { return store->Stats().oldest_bucket_seconds > last - 10 - 500 - 3600; }));
}

TEST_CASE_FIXTURE(StoreFixture, "Series that no bucket names go too, those in use stay") {
  options.retention_seconds = 7200;
  auto store = Open();
  Point point;
  point.Set(Field::kPods, 1);
  const auto stays = Of({Kind::kPod, "n", "ns", "", "stays"});
  for (std::int64_t hour = 0; hour < 12; ++hour) {
    const std::int64_t t = kFirst + hour * 3600;
    store->Append({t, {{stays, point}, {Of({Kind::kPod, "n", "ns", "", "pod" + std::to_string(hour)}), point}}});
    WaitWritten(*store);
  }
  CHECK(Eventually([&] { return Query(File(), "SELECT count(*) FROM series") <= 6; }));
  store.reset();  // a store that runs on forgets members of its memory a little later
  store = Open();
  CHECK(store->Knows({Kind::kPod, "", "", "", "stays"}));
  CHECK(store->Knows({Kind::kPod, "", "", "", "pod11"}));
  CHECK(!store->Knows({Kind::kPod, "", "", "", "pod0"}));
  const auto slices = store->Select({Kind::kPod, "", "", "", ""}, 0, INT64_MAX, series::kAllFields, kNoLimit);
  REQUIRE(slices.ok());
  CHECK(slices.value().size() == 1 + 3);
}

TEST_CASE_FIXTURE(StoreFixture, "A member that was away for longer than its series row lives comes back") {
  options.retention_seconds = 7200;
  options.head_points = 100;
  const Member name{Kind::kPod, "n", "ns", "", "returns"};
  Point point;
  point.Set(Field::kPods, 1);
  const auto store = Open();
  Table expected;
  for (std::int64_t hour = 0; hour < 12; ++hour) {
    series::Bucket bucket{kFirst + hour * 3600, {{Of({Kind::kNode, "n", "", "", ""}), point}}};
    if (hour == 0 || hour == 11) bucket.entries.push_back({Of(name), point});
    store->Append(bucket);
    if (hour >= 9) AddTo(expected, bucket);
    WaitWritten(*store);
  }
  CHECK((Everything(*store, kFirst + 9 * 3600) == expected));
}

TEST_CASE_FIXTURE(StoreFixture, "One bucket stamped far in the future does not cost the history") {
  clock.Advance(-clock.NowMs() + (kFirst + 1000) * 1000);
  options.retention_seconds = 3600;
  const auto store = Open();
  for (std::int64_t t = kFirst; t < kFirst + 1000; t += 10) store->Append(Cluster(4).At(t));
  const std::size_t before = Everything(*store).size();
  store->Append(Cluster(0).At(kFirst + 100'000'000));
  WaitWritten(*store);
  CHECK(Everything(*store).size() > before);
  store->Append(Cluster(4).At(kFirst + 1000));  // as if nothing had been
  CHECK(Everything(*store, kFirst + 1000, kFirst + 1010).size() == Cluster(4).At(kFirst + 1000).entries.size());
}
