// SPDX-License-Identifier: Apache-2.0
// Random histories: whatever is appended, amended, sealed, merged and reopened, a store says what a plain table does.
#include <doctest/doctest.h>

#include <algorithm>
#include <iterator>

#include "aggregator/store/database.h"
#include "aggregator/store/grid.h"
#include "tests/unit/aggregator/store/fixture.h"

using namespace cloudmon;
using namespace cloudmon::store;
using namespace cloudmon::store::test;

namespace {

struct RandomHistory : StoreFixture {
  explicit RandomHistory(std::uint64_t seed) : random(seed) {
    static constexpr std::size_t kHeads[] = {1, 300, 2'000, 1'000'000};
    options.head_points = kHeads[Below(std::size(kHeads))];
    options.retention_seconds = 30 * 24 * 3600;
    store = Open();
  }

  std::size_t Below(std::size_t limit) { return random() % limit; }

  // Members come and go: the cluster of a time has pods of its own.
  [[nodiscard]] series::Bucket BucketAt(std::int64_t time, int salt) const {
    const int pods = static_cast<int>(time / 3000 % 7) + 2;
    series::Bucket bucket = Cluster(pods).At(time + salt * 10'000'000);
    bucket.time_seconds = time;
    return bucket;
  }

  void Forget(std::int64_t time) {
    std::erase_if(expected, [time](const auto& item) { return item.first.second == time; });
  }

  void Append() {
    if (Below(30) == 0) next += 10 * static_cast<std::int64_t>(Below(100));  // a gap
    const series::Bucket bucket = BucketAt(next, 0);
    AddTo(expected, bucket);
    store->Append(bucket);
    next += 10;
    if (options.head_points < 10'000) WaitWritten(*store);  // else a small memory drops what is not written yet
  }

  void Amend() {
    if (next == kFirst) return;
    const std::int64_t span = Below(2) == 0 ? next - kFirst : std::min<std::int64_t>(next - kFirst, 700);
    const std::int64_t time = (next - 10 - static_cast<std::int64_t>(Below(static_cast<std::size_t>(span)))) / 10 * 10;
    const int salt = static_cast<int>(Below(50)) + 1;
    const bool all = Below(3) == 0;
    const Status amended = store->Amend({time}, [&](series::Bucket& bucket) {
      Table before;
      AddTo(before, bucket);
      Table known = expected;
      std::erase_if(known, [time](const auto& item) { return item.first.second != time; });
      CHECK((before == known));
      if (all) {
        bucket = BucketAt(time, salt);
      } else {
        if (!bucket.entries.empty()) bucket.entries.erase(bucket.entries.begin());
        Point point;
        point.Set(Field::kMemoryBytes, salt);
        if (!bucket.entries.empty()) bucket.entries.back().point = point;
      }
      Forget(time);
      AddTo(expected, bucket);
    });
    REQUIRE(amended.ok());
  }

  void Check() {
    const std::int64_t span = next - kFirst + 1000;
    const std::int64_t a = kFirst - 500 + static_cast<std::int64_t>(Below(static_cast<std::size_t>(span)));
    const std::int64_t b = kFirst - 500 + static_cast<std::int64_t>(Below(static_cast<std::size_t>(span)));
    Table part = expected;
    const auto [start, end] = std::minmax(a, b);
    std::erase_if(part,
                  [s = start, e = end](const auto& item) { return item.first.second < s || item.first.second >= e; });
    CHECK((Everything(*store, start, end) == part));
  }

  void Reopen() {
    store.reset();
    store = Open();
  }

  std::mt19937_64 random;
  Table expected;
  std::int64_t next = kFirst;
  std::unique_ptr<Store> store;
};

}  // namespace

TEST_CASE("A store says what a plain table does") {
  for (std::uint64_t seed = 0; seed < 6; ++seed) {
    CAPTURE(seed);
    RandomHistory history(seed);
    CAPTURE(history.options.head_points);
    while (history.next < kFirst + 3 * 10 * kChunkPositions) {
      for (std::size_t i = history.Below(90) + 1; i > 0; --i) history.Append();
      for (std::size_t i = history.Below(4); i > 0; --i) history.Amend();
      history.Check();
      if (history.Below(12) == 0) history.Reopen();
    }
    CHECK((Everything(*history.store) == history.expected));
    history.Reopen();
    CHECK((Everything(*history.store) == history.expected));
    CHECK(history.store->Stats().buckets_lost == 0);
    CHECK(history.store->NewestBucket() == history.next - 10);
    StoreFixture::WaitWritten(*history.store);
    Connection db = std::move(Connection::Open(history.File(), Connection::Mode::kReadOnly)).value();
    CHECK(db.QueryInt("SELECT count(*) FROM chunk").value() > 0);
    CHECK(db.QueryText("PRAGMA integrity_check").value() == "ok");
  }
}
