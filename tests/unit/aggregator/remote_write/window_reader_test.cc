// SPDX-License-Identifier: Apache-2.0
#include "aggregator/remote_write/window_reader.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "tests/support/fake_store.h"
#include "tests/unit/aggregator/remote_write/buckets.h"

using namespace cloudmon;                // NOLINT: a test
using namespace cloudmon::remote_write;  // NOLINT: a test
using test::kInterval;
using test::kTime;

namespace {

constexpr std::size_t kPoints = 500;

std::size_t PointsOf(const Window& window) {
  std::size_t points = 0;
  for (const auto& slice : window.slices) points += slice.points.size();
  return points;
}

void Fill(test::FakeStore& store, int buckets, int pods) {
  for (int i = 0; i < buckets; ++i) {
    series::Bucket bucket{kTime + i * kInterval, {}};
    for (int pod = 0; pod < pods; ++pod) bucket.entries.push_back(test::PodEntry("web-" + std::to_string(pod), pod));
    store.Append(std::move(bucket));
  }
}

// Reads all of it; the number of windows.
int ReadAll(const store::Store& store, std::int64_t end_seconds) {
  WindowReader reader(store, kInterval, kPoints);
  int windows = 0;
  for (std::int64_t start = kTime; start < end_seconds; ++windows) {
    const auto window = reader.Read(start, end_seconds);
    REQUIRE(window.ok());
    CHECK(window.value().start_seconds == start);
    CHECK(window.value().end_seconds > start);
    CHECK(window.value().end_seconds <= end_seconds);
    CHECK((PointsOf(window.value()) <= kPoints || window.value().end_seconds == start + kInterval));
    start = window.value().end_seconds;
  }
  return windows;
}

}  // namespace

TEST_CASE("windows grow to what there is room for") {
  test::FakeStore store;
  Fill(store, 300, 5);
  const int windows = ReadAll(store, kTime + 300 * kInterval);
  CHECK(windows >= 3);
  CHECK(windows < 20);
}

TEST_CASE("a bucket with more points than a window has is one") {
  test::FakeStore store;
  Fill(store, 3, static_cast<int>(kPoints) + 1);
  CHECK(ReadAll(store, kTime + 3 * kInterval) == 3);
}

TEST_CASE("a window has the bucket before, and only what is sent") {
  test::FakeStore store;
  Fill(store, 3, 1);
  WindowReader reader(store, kInterval);
  const auto window = reader.Read(kTime + kInterval, kTime + 2 * kInterval);
  REQUIRE(window.ok());
  REQUIRE(window.value().slices.size() == 1);
  CHECK(window.value().slices[0].times_seconds == std::vector<std::int64_t>{kTime, kTime + kInterval});
  CHECK((SentFields() & series::MaskOf(series::Field::kCpuMillicores)) == 0);
  CHECK((SentFields() & series::MaskOf(series::Field::kCpuUsageUsec)) != 0);
  store.fail_reads = true;
  CHECK(reader.Read(kTime, kTime + kInterval).error().code == ErrorCode::kIo);
}
