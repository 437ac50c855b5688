// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/unit/aggregator/scrape/scraper_rig.h"

namespace cloudmon::scrape {

using namespace test;  // NOLINT: a test

TEST_CASE("scraper: pushed nodes come into buckets without any target, a second after their end") {
  Rig rig;
  rig.Run(5'000);
  CHECK(rig.Push("a", 4'000, 1).empty());
  CHECK(rig.Push("a", 4'000, 2).empty());   // replaces
  CHECK(rig.Push("b", 30'000, 9).empty());  // ahead
  rig.Run(10'900);
  CHECK(rig.Buckets().empty());
  CHECK(rig.Push("b", 9'999, 3).empty());
  rig.Run(11'000);
  CHECK(rig.Buckets() == "0: a/p=2 b/p=3 2/0\n");
  rig.Run(41'000);
  CHECK(rig.Buckets() == "1: 0/0\n2: 0/0\n3: b/p=9 1/0\n");
  const LoopStats stats = rig.scraper.Stats();
  CHECK(stats.pushes == 4);
  CHECK(stats.late_pushes == 0);
  CHECK(stats.push_refusals == 0);
}

TEST_CASE("scraper: half an interval is waited where intervals are short") {
  LoopOptions options;
  options.interval_seconds = 1;
  Rig rig(options);
  rig.Run(500);
  rig.Push("a", 400, 1);
  rig.Run(1'400);
  CHECK(rig.buckets.empty());
  rig.Run(1'500);
  CHECK(rig.buckets.size() == 1);
}

TEST_CASE("scraper: late documents amend, several at once") {
  Rig rig;
  rig.Run(20'500);
  CHECK(rig.Text(rig.buckets) == "0: 0/0\n1: 0/0\n");
  CHECK(rig.Push("a", 14'000, 1).empty());
  CHECK(rig.Push("a", 15'000, 2).empty());
  CHECK(rig.Push("b", 4'000, 3).empty());
  CHECK(rig.Push("b", -14'000, 4).empty());  // before there was any bucket
  CHECK(rig.Push("c", 21'000, 5).empty());
  CHECK(rig.Text(rig.buckets) == "0: 0/0\n1: 0/0\n");
  rig.Run(22'000);
  CHECK(rig.Text(rig.buckets) == "0: b/p=3 1/0\n1: a/p=2 1/0\n-2: b/p=4 1/0\n");
  CHECK(rig.scraper.Stats().late_pushes == 4);
  CHECK(rig.scraper.Stats().pushes == 5);
}

TEST_CASE("scraper: buckets stored before a restart are not sealed again when the clock was set back") {
  const auto stored_at = [](std::int64_t ms) {
    const auto node = std::make_shared<const series::Member>(series::Member{Kind::kNode, "a", {}, {}, {}});
    const auto cluster = std::make_shared<const series::Member>(series::Member{});
    series::Point point;
    point.Set(Field::kNodes, 1);
    return Bucket{(kStart + ms) / 1000, {{node, {}}, {cluster, point}}};
  };
  SUBCASE("by little") {
    Rig rig({}, {stored_at(0), stored_at(10'000)});
    rig.SetTargets({"t"});
    rig.answers = {{"t", PodPage("t-node", "q", 5)}};
    rig.Run(2'000);
    CHECK(rig.Push("b", 1'000, 1).empty());
    rig.Run(31'500);
    CHECK(rig.Buckets() == "0: b/p=1 2/0\n1: 1/0\n2: t-node/q=5 1/0\n");
  }
  SUBCASE("by much: data of a time that was wrong does not hinder") {
    Rig rig({}, {stored_at(400'000)});
    rig.SetTargets({"t"});
    rig.answers = {{"t", PodPage("t-node", "q", 5)}};
    rig.Run(11'500);
    CHECK(rig.Text(rig.buckets).ends_with("0: t-node/q=5 1/0\n"));
  }
}

TEST_CASE("scraper: amending many buckets leaves time for scrapes") {
  Rig rig;
  rig.Run(400'500);
  rig.amend_takes_ms = 150;
  for (int bucket = 0; bucket < 30; ++bucket) CHECK(rig.Push("a", bucket * 10'000, 1).empty());
  const auto amended = [&] {
    const std::string text = rig.Text(rig.buckets);
    return std::ranges::count(text, '=');
  };
  rig.Run(401'100);
  CHECK(amended() == 24);  // two times twelve at once
  rig.Run(402'500);
  CHECK(amended() == 30);
}

TEST_CASE("scraper: late documents wait while the store cannot be written, but not for what it has no more") {
  Rig rig;
  rig.Run(60'500);
  rig.amending = Error{ErrorCode::kIo, "full"};
  CHECK(rig.Push("a", 5'000, 1).empty());
  CHECK(rig.Push("b", 15'000, 2).empty());
  const std::string before = rig.Text(rig.buckets);
  rig.Run(63'000);
  CHECK(rig.Push("b", 5'000, 3).empty());
  rig.Run(65'000);
  CHECK(rig.Text(rig.buckets) == before);
  rig.amending = Status::Ok();
  rig.Run(79'000);  // ten seconds after the last failure
  CHECK(rig.Text(rig.buckets).find("0: a/p=1 b/p=3 2/0\n1: b/p=2 1/0\n") == 0);

  rig.amending = Error{ErrorCode::kInvalid, "too old"};
  CHECK(rig.Push("a", 25'000, 4).empty());
  rig.Run(81'000);
  rig.amending = Status::Ok();
  rig.Run(83'000);
  CHECK(rig.Text(rig.buckets).find("p=4") == std::string::npos);
}

TEST_CASE("scraper: late documents are refused while too many wait") {
  Rig rig;
  rig.Run(30'500);
  constexpr std::size_t kPods = 20'000;
  PushedReading document;
  document.measured_at_ms = kStart + 5'000;
  for (std::size_t pod = 0; pod < kPods; ++pod) {
    const std::string name = "p" + std::to_string(pod);
    document.reading.pods.emplace_back().key = std::make_shared<const series::PodKey>("n", name, "", "");
  }
  std::size_t taken = 0;
  std::string refused;
  while (refused.empty() && taken < 100) {
    document.reading.node = "node-" + std::to_string(taken);
    const Status status = rig.scraper.Push(document);
    status.ok() ? static_cast<void>(++taken) : static_cast<void>(refused = status.error().message);
  }
  CHECK(taken == kMaxWaitingEntries / kPods + 1);
  CHECK(refused == "too many late documents wait to be stored: try again in a few seconds");
  CHECK(rig.Push("in-time", 30'200, 1).empty());
  rig.Run(32'000);
  CHECK(rig.Push("late", 5'000, 1).empty());
}

TEST_CASE("scraper: late documents without pods wait and are refused as others are") {
  Rig rig;
  rig.Run(30'500);
  constexpr std::size_t kGroups = 20'000;
  PushedReading document;
  document.measured_at_ms = kStart + 5'000;
  for (std::size_t i = 0; i < kGroups; ++i) document.reading.groups.push_back({"n", "d" + std::to_string(i), {}});
  std::size_t taken = 0;
  document.reading.node = "node-0";
  while (taken < 50 && rig.scraper.Push(document).ok()) document.reading.node = "node-" + std::to_string(++taken);
  CHECK(taken == kMaxWaitingEntries / kGroups + 1);
  rig.Run(32'000);
  CHECK(rig.Push("late", 5'000, 1).empty());
}

TEST_CASE("scraper: who pushes is listed beside the targets") {
  Rig rig;
  rig.SetTargets({"t"});
  rig.answers = {{"t", PodPage("t-node", "p", 5)}};
  rig.Run(9'000);
  rig.Push("b", 8'000, 1);
  rig.Push("a", 8'500, 1);
  CHECK(rig.Problems() == "t=t-node up\npush:a=a up\npush:b=b up\n");
  const TargetStatus a = rig.scraper.Statuses()[1];
  CHECK(a.source == "push");
  CHECK(a.labels.empty());
  CHECK(a.last_scrape_ms == kStart + 9'000);
  CHECK(a.body_bytes == 77);
  CHECK(a.samples == 2);
  rig.Run(20'000);
  rig.Push("a", 18'500, 1);
  rig.Run(39'100);
  CHECK(rig.Problems() == "t=t-node up\npush:a=a up\npush:b=b \n");
  rig.Run(3'609'000);
  CHECK(rig.scraper.Statuses().size() == 3);
  rig.Run(3'640'000);
  CHECK(rig.scraper.Statuses().size() == 1);
}

TEST_CASE("scraper: a node that is scraped cannot be pushed") {
  Rig rig;
  rig.SetTargets({"t"});
  rig.answers = {{"t", PodPage("node", "p", 5)}};
  rig.Run(10'000);
  const std::string error = "node 'node' is scraped from t: stop pushing it or remove the target";
  CHECK(rig.Push("node", 9'000, 1) == error);
  CHECK(rig.Push("node", 9'000, 1) == error);
  CHECK(rig.Problems() == "t=node up\npush:node=node " + error + "\n");
  CHECK(rig.scraper.Stats().push_refusals == 2);
  CHECK(rig.scraper.Stats().pushes == 0);
  rig.Run(11'100);
  CHECK(rig.Buckets() == "0: node/p=5 1/0\n");
  SUBCASE("the target is removed") {
    rig.SetTargets({});
    CHECK(rig.Push("node", 12'000, 1).empty());
    CHECK(rig.Problems() == "push:node=node up\n");
  }
  SUBCASE("the target is silent for three intervals") {
    rig.answers = {{"t", "!down"}};
    rig.Run(38'000);
    CHECK(rig.Push("node", 37'000, 1) == error);
    rig.Run(51'000);
    CHECK(rig.Push("node", 50'000, 1).empty());
  }
}

TEST_CASE("scraper: a node that is pushed is not scraped until it is silent for five minutes") {
  Rig rig;
  rig.Run(1'000);
  rig.Push("node", 500, 1);
  rig.SetTargets({"t"});
  rig.answers = {{"t", PodPage("node", "p", 5)}};
  rig.Run(21'500);
  CHECK(rig.Buckets() == "0: node/p=1 1/0\n1: 0/0\n");
  CHECK(rig.scraper.Statuses()[0].last_error ==
        "node 'node' is pushed from 10.0.0.7: stop pushing it, or give one of them another name (label `node` in "
        "file_sd, --node.name of the exporter)");
  rig.Run(309'000);
  CHECK(!rig.scraper.Statuses()[0].up);
  rig.Run(320'000);
  CHECK(rig.scraper.Statuses()[0].up);
}

TEST_CASE("scraper: a pusher that was there for every bucket is missed, and found again") {
  Rig rig;
  for (const std::int64_t ms : {1'000, 11'000}) {
    rig.Run(ms + 100);
    rig.Push("a", ms, 1);
    rig.Push("b", ms, 1);
  }
  rig.Run(21'100);
  rig.Push("b", 21'000, 2);
  rig.Run(31'100);
  CHECK(rig.Text(rig.buckets).ends_with("1: a/p=1 b/p=1 2/0\n2: b/p=2 1/1\n"));
  rig.Push("a", 22'000, 3);
  rig.Push("c", 22'000, 3);  // was not missed: nobody knew it
  rig.Run(32'500);
  CHECK(rig.Text(rig.buckets).ends_with("2: b/p=2 a/p=3 c/p=3 3/0\n"));
}

TEST_CASE("scraper: at most 10,000 nodes push") {
  Rig rig;
  for (int i = 0; i < 10'000; ++i) REQUIRE(rig.Push("n" + std::to_string(i), 0, 1).empty());
  CHECK(rig.Push("one-more", 0, 1) ==
        "more than 10000 nodes push, which is the most: wait until others were silent for an hour");
  CHECK(rig.Push("n7", 0, 1).empty());
  CHECK(rig.scraper.Stats().push_refusals == 1);
}

TEST_CASE("scraper: many threads push while it scrapes") {
  Rig rig;
  rig.SetTargets({"t"});
  rig.answers = {{"t", PodPage("t-node", "p", 5)}};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&rig, t] {
      for (int i = 0; i < 200; ++i) {
        const std::string node = "n" + std::to_string(t) + "-" + std::to_string(i % 10);
        CHECK(rig.Push(node, i * 100 - 5'000, 1).empty());
        (void)rig.scraper.Statuses();
      }
    });
  }
  rig.Run(30'000);
  for (std::thread& thread : threads) thread.join();
  rig.Run(40'000);
  CHECK(rig.scraper.Stats().pushes == 800);
  std::size_t nodes = 0;
  for (const Bucket& bucket : rig.buckets) {
    for (const Entry& entry : bucket.entries) nodes += entry.member->kind == Kind::kNode ? 1 : 0;
  }
  CHECK(nodes > 40);
}

}  // namespace cloudmon::scrape
