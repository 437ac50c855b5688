// SPDX-License-Identifier: Apache-2.0
#include "aggregator/remote_write/progress.h"

#include <doctest/doctest.h>

using namespace cloudmon::remote_write;  // NOLINT: a test

TEST_CASE("only what has been read is to be sent again") {
  Progress progress({100, {}});
  progress.Stored({90, 100, 110});
  CHECK(progress.Current() == State{100, {90, 100}});
  progress.ReadingUntil(120);
  progress.Stored({110, 120, 130});
  CHECK(progress.Current() == State{100, {90, 100, 110, 120}});
}

TEST_CASE("the oldest goes first, and waits until it is sent") {
  Progress progress({100, {50, 40}});
  CHECK(progress.BeginAmended() == 40);
  CHECK(progress.Current() == State{100, {40, 50}});
  progress.EndAmended(false);
  CHECK(progress.BeginAmended() == 40);
  progress.Stored({40});  // again, while it is being sent
  progress.EndAmended(true);
  CHECK(progress.BeginAmended() == 40);
  progress.EndAmended(true);
  CHECK(progress.BeginAmended() == 50);
  progress.EndAmended(true);
  CHECK(!progress.BeginAmended());
}

TEST_CASE("not more wait than may") {
  Progress progress({1'000'000, {}});
  for (std::int64_t time = 0; time < 5000; ++time) progress.Stored({time});
  CHECK(progress.Current().amended_seconds.size() == kMaxAmended);
  CHECK(progress.BeginAmended() == 1000);
}
