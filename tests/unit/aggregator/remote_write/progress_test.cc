// SPDX-License-Identifier: Apache-2.0
#include "aggregator/remote_write/progress.h"

#include <doctest/doctest.h>

using namespace cloudmon::remote_write;  // NOLINT: a test

TEST_CASE("only what has been read is to be sent again") {
  Progress progress({100, {}}, 100);
  progress.Amended({90, 100, 110});
  CHECK(progress.Current() == State{100, {90, 100}});
  progress.ReadingUntil(120);
  progress.Amended({110, 120, 130});
  CHECK(progress.Current() == State{100, {90, 100, 110, 120}});
}

TEST_CASE("a new bucket may be read before it is told of; an old one has been") {
  Progress progress({100, {}}, 150);
  progress.ReadingUntil(160);
  progress.Appended(160);
  CHECK(progress.Current() == State{100, {}});
  progress.Appended(160);
  progress.Appended(140);
  CHECK(progress.Current() == State{100, {140, 160}});
}

TEST_CASE("the oldest goes first, and waits until it is sent") {
  Progress progress({100, {50, 40}}, 100);
  CHECK(progress.BeginAmended() == 40);
  CHECK(progress.Current() == State{100, {40, 50}});
  progress.EndAmended(false);
  CHECK(progress.BeginAmended() == 40);
  progress.Amended({40});  // again, while it is being sent
  progress.EndAmended(true);
  CHECK(progress.BeginAmended() == 40);
  progress.EndAmended(true);
  CHECK(progress.BeginAmended() == 50);
  progress.EndAmended(true);
  CHECK(!progress.BeginAmended());
}

TEST_CASE("not more wait than may") {
  Progress progress({1'000'000, {}}, 1'000'000);
  for (std::int64_t time = 0; time < 5000; ++time) progress.Amended({time});
  CHECK(progress.Current().amended_seconds.size() == kMaxAmended);
  CHECK(progress.BeginAmended() == 1000);
}
