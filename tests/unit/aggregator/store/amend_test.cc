// SPDX-License-Identifier: Apache-2.0
// Store::Amend(): in memory, in the database, and between the two.
#include <doctest/doctest.h>

#include <atomic>
#include <thread>

#include "aggregator/store/database.h"
#include "tests/unit/aggregator/store/fixture.h"

using namespace cloudmon;
using namespace cloudmon::store;
using namespace cloudmon::store::test;

namespace {

constexpr std::int64_t kEnd = kFirst + 400;

// Every tenth bucket is missing; memory holds the last ten or so.
struct AmendFixture : StoreFixture {
  Table expected;
  std::unique_ptr<Store> store;

  AmendFixture() {
    options.head_points = 10 * 27;
    store = Open();
    for (std::int64_t t = kFirst; t < kEnd; t += 10) {
      if (t % 100 == 50) continue;
      Append(t);
      WaitWritten(*store);
    }
  }
  void Append(std::int64_t t) {
    store->Append(Cluster(20).At(t));
    AddTo(expected, Cluster(20).At(t));
  }
  // One member is changed, one goes, one is new.
  Status Amend(std::int64_t t) {
    int calls = 0;
    Status status = store->Amend({t}, [&](series::Bucket& bucket) {
      ++calls;
      CHECK(bucket.time_seconds == t);
      Table before;
      AddTo(before, bucket);
      Table known = expected;
      std::erase_if(known, [t](const auto& item) { return item.first.second != t; });
      CHECK((before == known));
      std::erase_if(expected, [t](const auto& item) { return item.first.second == t; });
      if (!bucket.entries.empty()) bucket.entries.erase(bucket.entries.begin());
      if (!bucket.entries.empty()) bucket.entries.front().point.Set(Field::kCpuMillicores, 4711);
      Point point;
      point.Set(Field::kMemoryBytes, t);
      bucket.entries.push_back({Of({Kind::kPod, "node-late", "ns0", "", "late"}), point});
      AddTo(expected, bucket);
    });
    CHECK(calls <= 1);
    return status;
  }
  void Reopen() {
    store.reset();
    store = Open();
  }
  [[nodiscard]] std::int64_t HeadOldest() const {
    for (std::int64_t t = kFirst; t < kEnd; t += 10) {
      if (store->Stats().head_points == PointsFrom(t)) return t;
    }
    return 0;
  }
  [[nodiscard]] std::size_t PointsFrom(std::int64_t t) const {
    return static_cast<std::size_t>(
        std::count_if(expected.begin(), expected.end(), [t](const auto& item) { return item.first.second >= t; }));
  }
};

}  // namespace

TEST_CASE_FIXTURE(AmendFixture, "Amend: in memory, in a gap, in the database, at the border and before everything") {
  const std::int64_t oldest = HeadOldest();
  REQUIRE(oldest > kFirst + 100);
  REQUIRE(oldest <= kEnd - 10);
  for (const std::int64_t t :
       {kEnd - 10, kEnd - 50, kFirst + 100, kFirst + 50, oldest, oldest - 10, kFirst, kFirst - 500, kFirst + 100}) {
    CAPTURE(t);
    REQUIRE(Amend(t).ok());
    CHECK((Everything(*store) == expected));
    CHECK(store->NewestBucket() == kEnd - 10);
  }
  CHECK(store->Stats().oldest_bucket_seconds == kFirst - 500);
  CHECK(store->Knows({Kind::kPod, "node-late", "", "", "late"}));
  CHECK(store->Stats().buckets_lost == 0);
  Append(kEnd);
  WaitWritten(*store);
  CHECK(store->Stats().head_points <= options.head_points);
  CHECK((Everything(*store) == expected));
  for (const std::size_t points : {options.head_points, std::size_t{100'000}}) {
    options.head_points = points;
    Reopen();
    CHECK((Everything(*store) == expected));
  }
  Connection db = std::move(Connection::Open(File(), Connection::Mode::kReadOnly)).value();
  CHECK(db.QueryInt("SELECT count(*) FROM series WHERE pod = 'late'").value() == 1);
}

TEST_CASE_FIXTURE(AmendFixture, "Amend: older than the retention is refused, and nothing is called") {
  store->SetRetention(200);
  int calls = 0;
  const auto count = [&calls](series::Bucket& /*bucket*/) { ++calls; };
  const Status refused = store->Amend({kEnd - 10 - 210}, count);
  REQUIRE(!refused.ok());
  CHECK(refused.error().code == ErrorCode::kInvalid);
  CHECK(refused.error().message.find("storage.retention") != std::string::npos);
  CHECK(calls == 0);
  CHECK(store->Amend({kEnd - 10 - 200}, count).ok());
  CHECK(calls == 1);
}

TEST_CASE_FIXTURE(StoreFixture, "Amend: a store without any bucket") {
  const std::int64_t now = clock.NowMs() / 1000;
  Table expected;
  {
    const auto store = Open();
    CHECK(store->Amend({now - options.retention_seconds - 10}, [](series::Bucket&) {}).error().code ==
          ErrorCode::kInvalid);
    REQUIRE(store
                ->Amend({now - 3600},
                        [&](series::Bucket& bucket) {
                          CHECK(bucket.entries.empty());
                          bucket = Cluster(5).At(now - 3600);
                          AddTo(expected, bucket);
                        })
                .ok());
    CHECK((Everything(*store) == expected));
    CHECK(store->Stats().oldest_bucket_seconds == now - 3600);
    store->Append(Cluster(5).At(now));
    AddTo(expected, Cluster(5).At(now));
    CHECK((Everything(*store) == expected));
  }
  CHECK((Everything(*Open()) == expected));
}

TEST_CASE_FIXTURE(AmendFixture, "Amend: buckets that are not written yet") {
  Connection other = std::move(Connection::Open(File(), Connection::Mode::kReadWrite)).value();
  {
    Transaction lock(other);  // the writer waits for it
    REQUIRE(lock.Begin().ok());
    for (const std::int64_t t : {kEnd, kEnd + 10, kEnd + 30}) Append(t);
    std::this_thread::sleep_for(std::chrono::milliseconds(50));  // the first is being written, most likely
    for (const std::int64_t t : {kEnd + 10, kEnd, kEnd, kEnd + 20, kEnd + 30}) REQUIRE(Amend(t).ok());
    CHECK(store->Stats().write_queue == 4);
    CHECK((Everything(*store) == expected));
  }
  WaitWritten(*store);
  CHECK(store->Stats().buckets_lost == 0);
  CHECK((Everything(*store) == expected));
  Reopen();
  CHECK((Everything(*store) == expected));
}

TEST_CASE_FIXTURE(AmendFixture, "Amend: what cannot be written is an error, and changes nothing") {
  Connection other = std::move(Connection::Open(File(), Connection::Mode::kReadWrite)).value();
  REQUIRE(other
              .Execute("CREATE TRIGGER refuse BEFORE INSERT ON part BEGIN SELECT raise(ABORT, 'refused'); END;"
                       "CREATE TRIGGER refuse_too BEFORE INSERT ON chunk BEGIN SELECT raise(ABORT, 'refused'); END")
              .ok());
  const Table before = expected;
  const Status failed = Amend(kFirst);
  REQUIRE(!failed.ok());
  CHECK(failed.error().code == ErrorCode::kIo);
  CHECK(failed.error().message.find("refused") != std::string::npos);
  CHECK(failed.error().message.find(File()) != std::string::npos);
  expected = before;
  CHECK((Everything(*store) == expected));
  CHECK(store->Stats().write_failures == 1);
  REQUIRE(other.Execute("DROP TRIGGER refuse; DROP TRIGGER refuse_too").ok());
  REQUIRE(Amend(kFirst).ok());
  CHECK((Everything(*store) == expected));
}

TEST_CASE_FIXTURE(AmendFixture, "Amend: readers see a bucket as it was or as it is") {
  const std::vector<std::int64_t> times{kFirst + 20, kEnd - 20};  // in the database, in memory
  const auto amend = [](series::Bucket& bucket) {
    for (series::Entry& entry : bucket.entries) {
      const std::int64_t last = entry.point.Get(Field::kPods);
      entry.point = Point{};
      entry.point.Set(Field::kPods, last < 1000 ? last + 1 : 1);
    }
  };
  for (const std::int64_t t : times) REQUIRE(store->Amend({t}, amend).ok());
  for (const std::int64_t t : times) {  // from here on all entries of a bucket have the same value
    REQUIRE(store
                ->Amend({t},
                        [](series::Bucket& bucket) {
                          for (series::Entry& entry : bucket.entries) entry.point.Set(Field::kPods, 1);
                        })
                .ok());
  }
  std::atomic<bool> done{false};
  std::atomic<int> wrong{0};
  std::atomic<int> reads{0};
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&] {
      do {
        for (const std::int64_t t : times) {
          const auto slices = store->Select({Kind::kPod, "", "", "", ""}, t, t + 10, series::kAllFields, kNoLimit);
          if (!slices.ok() || slices.value().empty()) {
            ++wrong;
            continue;
          }
          const Point& first = slices.value().front().points.front();
          for (const SeriesSlice& slice : slices.value()) wrong += slice.points.front() == first ? 0 : 1;
          ++reads;
        }
      } while (!done);
    });
  }
  for (int i = 0; i < 100; ++i) {
    for (const std::int64_t t : times) CHECK(store->Amend({t}, amend).ok());
    if (i % 10 == 0) store->Append(Cluster(20).At(kEnd));  // again and again the same
  }
  done = true;
  for (std::thread& reader : readers) reader.join();
  CHECK(wrong == 0);
  CHECK(reads > 0);
}
