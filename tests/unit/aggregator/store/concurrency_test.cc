// SPDX-License-Identifier: Apache-2.0
// One writer and readers of all kinds at once; meant for ThreadSanitizer too.
#include <doctest/doctest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "tests/unit/aggregator/store/fixture.h"

using namespace cloudmon;
using namespace cloudmon::store;
using namespace cloudmon::store::test;

TEST_CASE_FIXTURE(StoreFixture, "Readers see whole buckets while one writes") {
  constexpr std::int64_t kBuckets = 150;
  const Cluster cluster(30);
  options.head_points = 20 * 37;  // so that readers need the database too
  const auto store = Open();
  std::atomic<std::int64_t> last{kFirst};
  std::atomic<bool> done{false};
  std::atomic<int> wrong{0};
  std::atomic<std::size_t> compared{0};
  store->Append(cluster.At(kFirst));

  auto read = [&](unsigned seed) {
    std::mt19937 random(seed);
    do {
      const std::int64_t newest = last;
      const std::int64_t t = newest - 10 * static_cast<std::int64_t>(random() % 40);
      if (t < kFirst) continue;
      Table expected;
      AddTo(expected, cluster.At(t));
      wrong += Everything(*store, t, t + 10) == expected ? 0 : 1;
      wrong += store->Knows({Kind::kPod, "", "", "", "pod-1"}) ? 0 : 1;
      wrong += store->NewestBucket().value_or(0) >= newest ? 0 : 1;
      wrong += store->Tail().empty() ? 1 : 0;
      wrong += store->Stats().head_points == 0 ? 1 : 0;
      compared += expected.size();
    } while (!done);
  };
  std::vector<std::thread> readers;
  for (unsigned i = 0; i < 4; ++i) readers.emplace_back(read, i);
  for (std::int64_t i = 1; i < kBuckets; ++i) {
    store->Append(cluster.At(kFirst + 10 * i));
    last = kFirst + 10 * i;
    if (i == kBuckets / 2) store->SetRetention(7 * 24 * 3600);
    // Keeps the readers' range within what is stored: the memory is smaller than the queue could get.
    while (store->Stats().write_queue > 5) std::this_thread::yield();
  }
  done = true;
  for (std::thread& reader : readers) reader.join();
  CHECK(wrong == 0);
  CHECK(compared > 0);
  CHECK(store->Stats().buckets_lost == 0);
}
