// SPDX-License-Identifier: Apache-2.0
#include "common/http/connections.h"

#include <doctest/doctest.h>

#include <array>
#include <initializer_list>
#include <thread>
#include <vector>

#include "tests/support/fake_clock.h"

using cloudmon::http::Connections;
using State = Connections::State;

namespace {

constexpr std::int64_t kGraceMs = Connections::kGraceMs;

struct Fixture {
  cloudmon::test::FakeClock clock{1000};
  std::array<char, 8> places{};
  std::vector<int> ended;
  bool can_hang_up = true;
  Connections connections{3, clock, [this](Connections::Id id) {
                            if (can_hang_up)
                              ended.push_back(static_cast<int>(static_cast<const char*>(id) - places.data()));
                            return can_hang_up;
                          }};
  Connections::Id Id(int i) { return &places[static_cast<std::size_t>(i)]; }
  // One after the other, a millisecond apart.
  void Open(std::initializer_list<int> ids) {
    for (const int i : ids) {
      connections.Opened(Id(i));
      clock.Advance(1);
    }
  }
};

}  // namespace

TEST_CASE("the longest waiting goes when the last thread is taken") {
  Fixture f;
  f.Open({0});
  CHECK(!f.connections.Crowded());
  f.Open({1});
  CHECK(f.connections.Crowded());
  CHECK(!f.connections.MakeRoom());
  f.connections.Moved(f.Id(0), State::kReading);
  f.Open({2});
  CHECK(f.connections.MakeRoom());  // all were just heard of
  CHECK(f.ended.empty());
  f.clock.Advance(kGraceMs);
  CHECK(!f.connections.MakeRoom());
  CHECK(f.ended == std::vector<int>{1});
  CHECK(!f.connections.MakeRoom());  // 1 has not closed yet, but is not counted twice
  f.Open({3});
  CHECK(!f.connections.MakeRoom());
  CHECK(f.ended == std::vector<int>{1, 0});
  for (const int i : {0, 1, 2}) f.connections.Closed(f.Id(i));
  CHECK(!f.connections.Crowded());
}

TEST_CASE("running handlers are left alone") {
  Fixture f;
  f.Open({0, 1, 2});
  for (const int i : {0, 1, 2}) f.connections.Moved(f.Id(i), State::kHandling);
  f.clock.Advance(kGraceMs);
  CHECK(f.connections.MakeRoom());
  CHECK(f.ended.empty());
  f.connections.Moved(f.Id(1), State::kWriting);
  f.clock.Advance(kGraceMs);
  CHECK(!f.connections.MakeRoom());
  CHECK(f.ended == std::vector<int>{1});
}

TEST_CASE("one that cannot be hung up now is tried again") {
  Fixture f;
  f.Open({0, 1, 2});
  f.clock.Advance(kGraceMs);
  f.can_hang_up = false;
  CHECK(f.connections.MakeRoom());
  f.can_hang_up = true;
  CHECK(!f.connections.MakeRoom());
  CHECK(f.ended == std::vector<int>{0});
}

TEST_CASE("CloseAll ends readers, waits for the others, and gives up in time") {
  Fixture f;
  std::thread keeper([&] { f.connections.KeepRoom(); });
  f.Open({0, 1, 2});
  f.connections.Moved(f.Id(1), State::kHandling);
  f.connections.Moved(f.Id(2), State::kWriting);
  CHECK(!f.connections.Closing());
  f.connections.CloseAll(std::chrono::milliseconds(20));
  keeper.join();
  CHECK(f.ended == std::vector<int>{0, 2});
  std::thread finisher([&] {
    f.connections.Closed(f.Id(0));
    f.connections.Closed(f.Id(1));
    f.connections.Closed(f.Id(2));
  });
  f.connections.CloseAll(std::chrono::hours(1));
  finisher.join();
  CHECK(f.ended == std::vector<int>{0, 2});
  CHECK(f.connections.Crowded());
  CHECK(f.connections.Closing());
}
