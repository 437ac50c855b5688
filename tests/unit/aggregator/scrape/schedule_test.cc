// SPDX-License-Identifier: Apache-2.0
#include "aggregator/scrape/schedule.h"

#include <doctest/doctest.h>

#include <array>
#include <string>
#include <vector>

#include "aggregator/scrape/node_names.h"

namespace cloudmon::scrape {
namespace {

using Ids = std::vector<std::uint64_t>;
constexpr std::int64_t kStart = 1'700'000'000'000;  // on the grid
constexpr auto kNone = std::nullopt;

// A schedule of 10 s with a timeout of 5 s, told the time relative to kStart.
struct Played {
  Schedule schedule{10'000};
  Played() { schedule.SetTimeout(5'000); }
  void Add(std::uint64_t id, std::int64_t offset, std::int64_t now) { schedule.Add(id, offset, kStart + now); }
  Ids Due(std::int64_t now) { return schedule.Due(kStart + now); }
  std::optional<std::int64_t> Finish(std::uint64_t id) { return Relative(schedule.Finish(id)); }
  std::optional<std::int64_t> Seal(std::int64_t now) { return Relative(schedule.Seal(kStart + now)); }
  bool Open(std::int64_t bucket, std::int64_t now) { return schedule.Open(kStart + bucket, kStart + now); }
  std::optional<std::int64_t> Next(std::int64_t now) { return Relative(schedule.NextEventMs(kStart + now)); }
  static std::optional<std::int64_t> Relative(std::optional<std::int64_t> t) {
    return t ? std::optional(*t - kStart) : kNone;
  }
};

}  // namespace

TEST_CASE("OffsetMs: within the interval, spread, the same in each run") {
  std::array<int, 10> tenths{};
  for (int i = 0; i < 1000; ++i) {
    const std::int64_t offset = OffsetMs("http://10.0.0." + std::to_string(i) + ":9780/metrics", 10'000);
    REQUIRE(offset >= 0);
    REQUIRE(offset < 10'000);
    ++tenths[static_cast<std::size_t>(offset / 1000)];
  }
  for (const int count : tenths) CHECK(count > 50);
  CHECK(OffsetMs("http://a:1/metrics", 10'000) == 7800);
}

TEST_CASE("schedule: each target at its offset, the bucket sealed at its end") {
  Played p;
  p.Add(1, 2'000, 1'000);
  p.Add(2, 500, 1'000);  // its tick of this bucket is over: the next one
  CHECK(p.Next(1'000) == 2'000);
  CHECK(p.Due(1'999) == Ids{});
  CHECK(p.Due(2'000) == Ids{1});
  CHECK(p.Due(2'000) == Ids{});
  CHECK(p.Finish(1) == 0);
  CHECK(p.Finish(1) == kNone);
  CHECK(p.Next(2'001) == 10'000);
  CHECK(p.Seal(9'999) == kNone);
  CHECK(p.Due(10'000) == Ids{});
  CHECK(p.Seal(10'000) == 0);
  CHECK(p.Seal(10'000) == kNone);
  CHECK(p.Next(10'000) == 10'500);
  CHECK(p.Due(10'500) == Ids{2});
  CHECK(p.Due(12'100) == Ids{1});
  CHECK(p.Finish(2) == 10'000);
  CHECK(p.Finish(1) == 10'000);
  CHECK(p.Due(20'000) == Ids{});
  CHECK(p.Seal(20'000) == 10'000);
  CHECK(p.schedule.skipped_ticks() == 0);
}

TEST_CASE("schedule: a scrape in flight is waited for, at most a timeout; then it is late") {
  Played p;
  p.Add(1, 9'000, 0);
  p.Add(2, 1'000, 0);
  CHECK(p.Due(1'000) == Ids{2});
  CHECK(p.Finish(2) == 0);
  CHECK(p.Due(9'000) == Ids{1});
  CHECK(p.Seal(10'000) == kNone);
  CHECK(p.Next(10'000) == 11'000);
  CHECK(p.Due(11'000) == Ids{2});
  CHECK(p.Finish(2) == 10'000);  // the next bucket is open beside it
  CHECK(p.Next(11'000) == 15'000);
  SUBCASE("done in time") {
    CHECK(p.Finish(1) == 0);
    CHECK(p.Seal(13'000) == 0);
  }
  SUBCASE("never done") {
    CHECK(p.Seal(14'999) == kNone);
    CHECK(p.Seal(15'000) == 0);
    CHECK(p.Finish(1) == kNone);
  }
  SUBCASE("removed") {
    p.schedule.Remove(1);
    CHECK(p.Seal(11'000) == 0);
    CHECK(p.Finish(1) == kNone);
    CHECK(p.Due(19'000) == Ids{});
  }
}

TEST_CASE("schedule: a tick that finds the scrape before in flight is skipped, its bucket still comes") {
  Played p;
  p.schedule.SetTimeout(10'000);
  p.Add(1, 0, 0);
  CHECK(p.Due(0) == Ids{1});
  CHECK(p.Due(10'000) == Ids{});
  CHECK(p.schedule.skipped_ticks() == 1);
  CHECK(p.Finish(1) == 0);
  CHECK(p.Seal(10'001) == 0);
  CHECK(p.Due(20'000) == Ids{1});
  CHECK(p.Seal(20'000) == 10'000);
}

TEST_CASE("schedule: a little late is not skipped") {
  Played p;
  p.Add(1, 1'000, 0);
  CHECK(p.Due(10'999) == Ids{1});
  CHECK(p.Seal(10'999) == kNone);
  CHECK(p.Finish(1) == 0);
  CHECK(p.Seal(10'999) == 0);
  CHECK(p.Due(11'000) == Ids{1});
  CHECK(p.schedule.skipped_ticks() == 0);
}

TEST_CASE("schedule: time jumps ahead: a gap, no storm") {
  Played p;
  p.Add(1, 1'000, 0);
  p.Add(2, 8'000, 0);
  CHECK(p.Due(1'000) == Ids{1});
  CHECK(p.Finish(1) == 0);
  CHECK(p.Due(86'405'000) == Ids{});
  CHECK(p.schedule.skipped_ticks() == 8'640 + 8'640);
  CHECK(p.Seal(86'405'000) == 0);  // what it had
  CHECK(p.Seal(86'405'000) == kNone);
  CHECK(p.Next(86'405'000) == 86'408'000);
  CHECK(p.Due(86'408'000) == Ids{2});
  CHECK(p.Finish(2) == 86'400'000);
  CHECK(p.Due(86'411'000) == Ids{1});
  CHECK(p.Seal(86'411'000) == 86'400'000);
}

TEST_CASE("schedule: time goes back: nothing is sealed twice") {
  Played p;
  p.Add(1, 1'000, 0);
  CHECK(p.Due(1'000) == Ids{1});
  CHECK(p.Finish(1) == 0);
  CHECK(p.Due(11'000) == Ids{1});
  CHECK(p.Seal(11'000) == 0);
  CHECK(p.Finish(1) == 10'000);
  for (std::int64_t now = -30'000; now < 10'000; now += 500) {
    CHECK(p.Due(now) == Ids{});
    CHECK(p.Seal(now) == kNone);
    if (now == -20'000) p.Add(2, 0, now);  // found meanwhile: its ticks in sealed buckets are skipped
  }
  CHECK(p.schedule.skipped_ticks() == 3);
}

TEST_CASE("schedule: without targets each bucket is sealed at its end") {
  Played p;
  CHECK(p.Due(4'000) == Ids{});
  CHECK(p.Next(4'000) == 10'000);
  CHECK(p.Seal(9'999) == kNone);
  CHECK(p.Due(10'000) == Ids{});
  CHECK(p.Seal(10'000) == 0);
  CHECK(p.Next(10'000) == 20'000);
  SUBCASE("time goes back") {
    CHECK(p.Due(5'000) == Ids{});
    CHECK(p.Seal(10'000) == kNone);
  }
  SUBCASE("the first target's tick is in a later bucket: a gap") {
    p.Add(1, 1'000, 12'000);
    CHECK(p.Due(20'000) == Ids{});
    CHECK(p.Seal(20'000) == kNone);
    CHECK(p.Due(21'000) == Ids{1});
  }
  SUBCASE("jump") {
    CHECK(p.Due(1'000'000) == Ids{});
    CHECK(p.Seal(1'000'000) == 10'000);
    CHECK(p.Seal(1'000'000) == kNone);
  }
}

TEST_CASE("schedule: what is pushed may come until a grace after the end") {
  Played p;
  p.schedule.SetGrace(1'000);
  CHECK(p.Due(9'000) == Ids{});
  CHECK(p.Next(9'000) == 11'000);
  CHECK(p.Open(0, 9'000));
  CHECK(p.Open(20'000, 9'000));  // ahead
  CHECK(p.Due(10'999) == Ids{});
  CHECK(p.Seal(10'999) == kNone);
  CHECK(p.Open(0, 10'999));
  CHECK(p.Seal(11'000) == 0);
  CHECK(!p.Open(0, 11'000));
  CHECK(p.Next(11'000) == 21'000);
  CHECK(p.Due(21'000) == Ids{});
  CHECK(p.Seal(21'000) == 10'000);
  CHECK(p.Seal(30'999) == kNone);
  CHECK(p.Seal(31'000) == 20'000);
  SUBCASE("longer than the timeout") {
    p.schedule.SetTimeout(100);
    p.Add(1, 9'950, 35'000);
    CHECK(p.Due(39'950) == Ids{1});
    CHECK(p.Next(41'500) == 41'000);
    CHECK(p.Seal(40'999) == kNone);
    CHECK(p.Seal(41'000) == 30'000);
  }
}

TEST_CASE("schedule: buckets with something pushed are sealed, also where no scrape was planned; what is over is not") {
  Played p;
  p.Add(1, 1'000, 2'000);  // the next tick is in the next bucket
  CHECK(p.Open(0, 3'000));
  CHECK(p.Seal(10'000) == 0);
  CHECK(p.Due(11'000) == Ids{1});
  CHECK(!p.Open(-10'000, 11'000));
  CHECK(p.Seal(24'000) == kNone);  // nobody was there at 20'000: but for the scrape in flight
  CHECK(p.Seal(25'000) == 10'000);
  CHECK(!p.Open(20'000, 30'000));  // over, and never opened: a gap
  CHECK(p.Due(30'500) == Ids{});
  CHECK(p.Seal(30'500) == kNone);
  CHECK(!p.Open(20'000, 25'000));  // and stays one
}

TEST_CASE("schedule: a bucket that is over is opened while an older one is open: they are sealed in order") {
  Played p;
  p.schedule.SetTimeout(10'000);
  p.Add(1, 9'900, 0);
  CHECK(p.Due(9'900) == Ids{1});
  CHECK(p.Open(10'000, 20'050));
  CHECK(p.Seal(20'050) == 0);
  CHECK(p.Seal(20'050) == 10'000);
}

TEST_CASE("schedule: targets that are added twice, removed twice, or unknown") {
  Played p;
  p.Add(1, 1'000, 0);
  p.Add(1, 2'000, 0);
  CHECK(p.Due(5'000) == Ids{1});
  p.schedule.Remove(1);
  p.schedule.Remove(1);
  p.schedule.Remove(7);
  CHECK(p.Finish(7) == kNone);
  CHECK(p.Due(50'000) == Ids{});
}

TEST_CASE("node names: the first keeps it until it is silent or removed") {
  NodeNames names;
  CHECK(names.Claim("a", 1, 0, 30'000) == 1);
  CHECK(names.Claim("a", 2, 0, 30'000) == 1);
  CHECK(names.Claim("b", 2, 0, 30'000) == 2);
  CHECK(names.Claim("a", 1, 10'000, 30'000) == 1);
  CHECK(names.Claim("a", 3, 40'000, 30'000) == 1);
  CHECK(names.Claim("a", 3, 50'000, 30'000) == 3);  // 1 was silent in 20, 30 and 40
  CHECK(names.Claim("a", 1, 50'000, 30'000) == 3);
  names.Release(1);  // has none any more
  CHECK(names.Claim("a", 1, 60'000, 30'000) == 3);
  names.Release(3);
  CHECK(names.Claim("a", 1, 60'000, 30'000) == 1);
  CHECK(names.Claim("c", 1, 60'000, 30'000) == 1);  // renamed: the old name is free
  CHECK(names.Claim("a", 2, 60'000, 30'000) == 2);
  CHECK(names.Claim("b", 3, 60'000, 30'000) == 3);
  names.Release(99);
}

TEST_CASE("node names: each owner has its own patience") {
  NodeNames names;
  CHECK(names.Claim("a", 1, 0, 300'000) == 1);
  CHECK(names.Claim("a", 2, 300'000, 30'000) == 1);
  CHECK(names.Claim("a", 2, 310'000, 30'000) == 2);
  CHECK(names.Claim("a", 1, 340'000, 300'000) == 2);
  CHECK(names.Claim("a", 1, 350'000, 300'000) == 1);
}

}  // namespace cloudmon::scrape
