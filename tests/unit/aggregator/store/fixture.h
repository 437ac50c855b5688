// SPDX-License-Identifier: Apache-2.0
// A store in a directory of its own, and ways to wait for its writer.
#pragma once

#include <doctest/doctest.h>

#include <chrono>
#include <memory>
#include <string>
#include <thread>

#include "aggregator/store/store.h"
#include "tests/support/fake_clock.h"
#include "tests/support/files.h"
#include "tests/unit/aggregator/store/buckets.h"

namespace cloudmon::store::test {

// Waits, without bound on a busy machine but for a minute at most, until the condition holds.
template <class Condition>
bool Eventually(Condition condition) {
  for (int i = 0; i < 60'000; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return false;
}

struct StoreFixture {
  cloudmon::test::TempDir dir;
  cloudmon::test::FakeClock clock{4'000'000'000'000};
  StoreOptions options{.path = dir.path() + "/data"};

  [[nodiscard]] std::string File() const { return options.path + "/cloud-monitor.db"; }
  [[nodiscard]] std::unique_ptr<Store> Open() const {
    auto store = Store::Open(options, clock);
    REQUIRE_MESSAGE(store.ok(), (store.ok() ? "" : store.error().message));
    return std::move(store).value();
  }
  static void WaitWritten(const Store& store) {
    REQUIRE(Eventually([&] { return store.Stats().write_queue == 0; }));
  }
};

}  // namespace cloudmon::store::test
