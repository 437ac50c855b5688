// SPDX-License-Identifier: Apache-2.0
// The head and the archive as one.
#include "aggregator/store/history.h"

#include <doctest/doctest.h>

#include <atomic>
#include <thread>

#include "aggregator/store/select.h"
#include "tests/unit/aggregator/store/stored.h"

using namespace cloudmon;
using namespace cloudmon::store;
using namespace cloudmon::store::test;

namespace {

const Selector kPods{Kind::kPod, "", "", "", ""};
constexpr std::int64_t kHead = kFirst + 1500;  // where the head begins
constexpr std::int64_t kEnd = kFirst + 2000;

bool ByPod(const Member& a, const Member& b) {
  return a.pod < b.pod;
}
bool Before(const Member& a, const Member& b) {
  return ByPod(a, b) || (!ByPod(b, a) && a < b);
}

// Other pods half way: first those below ten, then the others.
struct Changing {
  Cluster cluster{20};
  [[nodiscard]] series::Bucket At(std::int64_t time) const {
    series::Bucket bucket = cluster.At(time);
    std::erase_if(bucket.entries, [time](const series::Entry& entry) {
      const bool later = entry.member->pod.size() > 5;  // pod-10 and on
      return entry.member->kind == Kind::kPod && later != (time >= kFirst + 1000);
    });
    return bucket;
  }
};

struct HistoryFixture : StoredFixture {
  HistoryFixture() {
    Seal(Changing{}, kFirst, (kHead - kFirst) / kInterval);
    Append(Changing{}, kHead, (kEnd - kHead) / kInterval);
  }

  // All that ForEach() gives, with a check of the order.
  [[nodiscard]] Table All(const Selector& selector, std::int64_t start, std::int64_t end,
                          std::size_t points_in_memory) const {
    std::vector<SeriesSlice> slices;
    const Status status = history.ForEach(selector, start, end, ByPod, points_in_memory, [&](SeriesSlice slice) {
      CHECK(!slice.points.empty());
      CHECK(std::is_sorted(slice.times_seconds.begin(), slice.times_seconds.end()));
      if (!slices.empty()) CHECK(Before(*slices.back().member, *slice.member));
      slices.push_back(std::move(slice));
      return true;
    });
    CHECK(status.ok());
    return TableOf(slices);
  }
};

const std::vector<std::pair<std::int64_t, std::int64_t>> kRanges{{0, INT64_MAX},
                                                                 {kFirst + 900, kFirst + 1100},  // other pods
                                                                 {kHead - 100, kHead + 100},     // both
                                                                 {kHead, kEnd},                  // the head alone
                                                                 {kFirst, kHead},                // the archive alone
                                                                 {kHead - 10, kHead},
                                                                 {kEnd, INT64_MAX}};

}  // namespace

TEST_CASE_FIXTURE(HistoryFixture, "History: selects from both") {
  for (const Selector& selector : SomeSelectors()) {
    for (const auto& [start, end] : kRanges) {
      CAPTURE(start);
      const auto slices = history.Select(selector, start, end, series::kAllFields, kNoLimit);
      REQUIRE(slices.ok());
      CHECK((TableOf(slices.value()) == Expected(selector, start, end)));
      CHECK(std::is_sorted(slices.value().begin(), slices.value().end(),
                           [](const SeriesSlice& a, const SeriesSlice& b) { return *a.member < *b.member; }));
    }
    CHECK(history.Knows(selector) == !Expected(selector, 0, INT64_MAX).empty());
  }
}

TEST_CASE_FIXTURE(HistoryFixture, "History: the points of both count for the limit") {
  for (const auto& [start, end] : kRanges) {
    const std::size_t points = Expected(kPods, start, end).size();
    CHECK(history.Select(kPods, start, end, series::kAllFields, points).ok());
    if (points == 0) continue;
    const auto refused = history.Select(kPods, start, end, series::kAllFields, points - 1);
    REQUIRE(!refused.ok());
    CHECK(refused.error().code == ErrorCode::kLimit);
    CHECK(refused.error().message.find("limit is " + std::to_string(points - 1)) != std::string::npos);
  }
}

TEST_CASE_FIXTURE(HistoryFixture, "ForEach: the same as Select in any number of passes") {
  for (const Selector& selector : SomeSelectors()) {
    for (const auto& [start, end] : kRanges) {
      const Table expected = Expected(selector, start, end);
      for (const std::size_t points_in_memory : {1, 300, 1000, 100'000}) {
        CAPTURE(points_in_memory);
        CHECK((All(selector, start, end, points_in_memory) == expected));
      }
    }
  }
}

TEST_CASE_FIXTURE(HistoryFixture, "ForEach: stops when it is told to") {
  int taken = 0;
  const auto three = [&taken](const SeriesSlice& /*slice*/) { return ++taken < 3; };
  CHECK(history.ForEach(kPods, 0, INT64_MAX, ByPod, 80, three).ok());
  CHECK(taken == 3);
}

TEST_CASE_FIXTURE(StoredFixture, "History: of nothing") {
  int taken = 0;
  const auto count = [&taken](const SeriesSlice& /*slice*/) { return ++taken > 0; };
  for (const Kind kind : {Kind::kPod, Kind::kCluster}) {
    const Selector selector{kind, "", "", "", ""};
    CHECK(history.Select(selector, 0, INT64_MAX, series::kAllFields, 0).value().empty());
    CHECK(history.ForEach(selector, 0, INT64_MAX, ByPod, 80, count).ok());
    CHECK(!history.Knows(selector));
    CHECK(history.Tail(kind, 0).value().empty());
  }
  CHECK(taken == 0);
}

TEST_CASE_FIXTURE(HistoryFixture, "Tail: members of the head, and those whose last points are older") {
  const std::int64_t gone = kFirst + 1000;  // since when the first ten pods report no more
  const auto check = [&](Kind kind, std::int64_t since, std::size_t members) {
    const auto tail = history.Tail(kind, since);
    REQUIRE(tail.ok());
    CHECK(tail.value().size() == members);
    Table stored = Expected({kind, "", "", "", ""}, 0, INT64_MAX);
    for (const SeriesSlice& slice : tail.value()) {
      const auto last = std::prev(stored.upper_bound({*slice.member, INT64_MAX}));
      CHECK(slice.times_seconds.back() == last->first.second);
      CHECK((slice.points.back() == last->second));
      CHECK(std::is_sorted(slice.times_seconds.begin(), slice.times_seconds.end()));
    }
  };
  check(Kind::kPod, 0, 20);
  check(Kind::kPod, gone - 100, 20);
  check(Kind::kPod, gone + kTouchSeconds, 10);
  check(Kind::kNode, kEnd + kTouchSeconds, 2);
  check(Kind::kCluster, 0, 1);
}

TEST_CASE_FIXTURE(HistoryFixture, "Tail: a total that the head's points do not have is found in the archive") {
  const auto member = Of({Kind::kNamespace, "", "rare", "", ""});
  Point with;
  with.Set(Field::kDiskReadBytes, 7);
  Point without;
  without.Set(Field::kPods, 1);
  sealing.Write({{kHead - 20, {{member, with}}}, {kHead - 10, {{member, without}}}});
  REQUIRE(head.Append({kEnd, {{member, without}}}));
  const auto tail = history.Tail(Kind::kNamespace, 0).value();
  const auto rare = std::find_if(tail.begin(), tail.end(), [&](const auto& slice) { return *slice.member == *member; });
  REQUIRE(rare != tail.end());
  CHECK(rare->times_seconds == std::vector<std::int64_t>{kHead - 20, kEnd});
  CHECK((rare->points == std::vector<Point>{with, without}));
}

TEST_CASE("History: readers beside sealing and compaction see every point once") {
  constexpr std::int64_t kBuckets = 60 * 20;
  const Cluster cluster(8);
  StoredFixture stored;
  std::atomic<std::int64_t> newest{0};
  std::atomic<bool> done{false};
  std::thread writer([&] {
    for (std::int64_t i = 0; i < kBuckets; ++i) {
      const std::int64_t time = kFirst + kInterval * i;
      stored.head.Append(cluster.At(time));
      newest = time;
      if (i % 70 != 69) continue;
      const std::int64_t sealed = time / 600 * 600;
      const std::vector<HeadBucketPtr> buckets = stored.head.Before(sealed);
      std::vector<series::Bucket> unpacked;
      for (const HeadBucketPtr& bucket : buckets) unpacked.push_back(cluster.At(bucket->time_seconds));
      stored.sealing.Write(unpacked);
      if (i % 2 == 0) std::this_thread::yield();
      REQUIRE(stored.head.DropSealed(buckets));
      stored.sealing.Compact(sealed);
    }
    done = true;
  });
  std::atomic<int> wrong{0};
  std::atomic<int> reads{0};
  const auto read = [&](unsigned seed) {
    std::mt19937 random(seed);
    bool last = false;
    while (!last) {
      last = done;
      const std::int64_t end = newest + 1;
      if (end == 1) continue;
      const std::int64_t start = kFirst + static_cast<std::int64_t>(random()) % (end - kFirst);
      Table expected;
      for (std::int64_t t = (start + 9) / 10 * 10; t < end; t += kInterval) AddTo(expected, cluster.At(t));
      std::erase_if(expected, [](const auto& item) { return item.first.first.kind != Kind::kPod; });
      Table got;
      std::size_t points = 0;
      const auto take = [&](SeriesSlice slice) {
        points += slice.points.size();
        got.merge(TableOf({slice}));
        return true;
      };
      if (random() % 2 == 0) {
        const auto slices = stored.history.Select(kPods, start, end, series::kAllFields, kNoLimit);
        if (!slices.ok()) {
          ++wrong;
          continue;
        }
        for (const SeriesSlice& slice : slices.value()) take(slice);
      } else if (!stored.history.ForEach(kPods, start, end, ByPod, 500, take).ok()) {
        ++wrong;
      }
      if (points != expected.size() || got != expected) ++wrong;
      ++reads;
    }
  };
  std::thread other([&] { read(1); });
  read(2);
  other.join();
  writer.join();
  CHECK(wrong == 0);
  CHECK(reads > 0);
  CHECK(stored.sealing.db().QueryInt("SELECT count(*) FROM chunk").value() > 0);
}
