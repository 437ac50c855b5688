// SPDX-License-Identifier: Apache-2.0
#include "aggregator/scrape/pushers.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace cloudmon::scrape {

TEST_CASE("pushers: up for three intervals, or three times the gap between the last two documents") {
  struct Row {
    std::vector<std::int64_t> measured;  // taken at the same time
    std::int64_t now;
    bool up;
  };
  const Row rows[] = {
      {{}, 1'000, false},
      {{1'000}, 31'000, true},
      {{1'000}, 31'001, false},
      {{1'000, 6'000}, 36'000, true},  // a shorter gap counts as an interval
      {{1'000, 6'000}, 36'001, false},
      {{1'000, 61'000}, 241'000, true},
      {{1'000, 61'000}, 241'001, false},
      {{1'000, 61'000, 61'000, 20'000}, 200'000, true},  // again and older: no gap
      {{61'000}, 1'000, true},                           // time went back
  };
  for (const Row& row : rows) {
    CAPTURE(row.now);
    Pushers pushers(10'000);
    Pusher& pusher = *pushers.Find("a", 1);
    for (const std::int64_t ms : row.measured) pushers.NoteTaken(pusher, ms, ms);
    CHECK(pushers.IsUp(pusher, row.now) == row.up);
    pusher.is_refused = true;
    CHECK(!pushers.IsUp(pusher, row.now));
  }
}

TEST_CASE("pushers: who is missing from a bucket") {
  Pushers pushers(10'000);
  auto push = [&](const std::string& node, std::uint64_t id, std::int64_t first, std::int64_t second) {
    Pusher& pusher = *pushers.Find(node, id);
    for (const std::int64_t ms : {first, second}) pushers.NoteTaken(pusher, ms, 21'000);
  };
  push("each", 1, 10'000, 20'000);
  push("slower", 2, 5'000, 20'000);
  push("slow", 3, 4'999, 20'000);  // does not push for every bucket
  push("reported", 4, 10'000, 20'000);
  pushers.NoteTaken(*pushers.Find("new", 5), 20'000, 21'000);
  CHECK(pushers.CountMissing(30'000, {4}, 41'000) == 2);
  CHECK(pushers.CountMissing(40'000, {4}, 66'001) == 0);  // all down, but one of 15 s
  CHECK(pushers.CountMissing(40'000, {4}, 66'000) == 1);
  CHECK(Pushers::TakeMissing(*pushers.Find("each", 9), 30'000));
  CHECK(!Pushers::TakeMissing(*pushers.Find("each", 9), 30'000));
  CHECK(!Pushers::TakeMissing(*pushers.Find("reported", 9), 30'000));
  CHECK(Pushers::TakeMissing(*pushers.Find("slower", 9), 40'000));
}

TEST_CASE("pushers: silent ones are dropped after an hour, and there is a limit") {
  Pushers pushers(10'000);
  for (std::size_t i = 0; i < kMaxPushers; ++i) {
    Pusher* pusher = pushers.Find("node-" + std::to_string(i), i + 1);
    REQUIRE(pusher != nullptr);
    pusher->status.last_scrape_ms = i == 0 ? 1'000 : 2'000;
  }
  CHECK(pushers.Find("one more", 20'000) == nullptr);
  CHECK(pushers.Find("node-7", 20'000)->id == 8);
  CHECK(pushers.Forget(3'601'000).empty());
  CHECK(pushers.Forget(3'601'001) == std::vector<std::uint64_t>{1});
  CHECK(pushers.Find("one more", 20'000)->id == 20'000);
}

TEST_CASE("pushers: active for five minutes after the last document of any") {
  Pushers pushers(10'000);
  CHECK(!pushers.AreActive(1'000));
  pushers.NoteTaken(*pushers.Find("a", 1), 1'000, 5'000);
  CHECK(pushers.AreActive(305'000));
  CHECK(!pushers.AreActive(305'001));
}

}  // namespace cloudmon::scrape
