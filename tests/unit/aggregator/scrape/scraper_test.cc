// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/aggregator/scrape/scraper_rig.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace cloudmon::scrape {

using namespace test;  // NOLINT: a test

TEST_CASE("scraper: pages become buckets, failures are missing nodes") {
  Rig rig;
  rig.SetTargets({"a", "b"});
  rig.answers = {{"a", PodPage("node-a", "p", 5)}, {"b", "!no complete answer"}};
  CHECK(rig.scraper.Statuses()[0].node == "a:1");
  rig.Run(20'100);
  CHECK(rig.Buckets() == "0: node-a/p=5 1/1\n1: node-a/p=5 1/1\n");
  CHECK(rig.Problems() == "a=node-a up\nb=b:1 no complete answer\n");

  const TargetStatus a = rig.scraper.Statuses()[0];
  CHECK(a.samples == 2);
  CHECK(a.duration_seconds == 0.25);
  CHECK(a.body_bytes == rig.answers["a"].size());
  CHECK(a.last_scrape_ms > kStart + 10'000);
  CHECK(a.labels.at("rack") == "7");
  CHECK(a.source == "static");

  rig.answers["b"] = PodPage("node-b", "q", 7);
  rig.Run(30'100);
  CHECK(rig.Buckets() == "2: node-b/q=7 node-a/p=5 2/0\n");
  const LoopStats stats = rig.scraper.Stats();
  CHECK(stats.buckets_sealed == 3);
  CHECK(stats.scrapes == 6);
  CHECK(stats.scrape_failures == 2);
  CHECK(stats.samples == 8);
  CHECK(stats.skipped_ticks == 0);
  CHECK(stats.late_samples == 0);
}

TEST_CASE("scraper: rates are over the time between the readings, not between the answers") {
  auto page = [](int cpu_seconds, const char* age) {
    return "cloudmon_collection_age_seconds " + std::string(age) +
           "\npod_cpu_usage_seconds_total{namespace=\"n\",pod=\"p\"} " + std::to_string(cpu_seconds) + "\n";
  };
  for (const auto& [age, want] :
       std::vector<std::pair<const char*, std::int64_t>>{{"0", 500}, {"2", 625}, {"-5", 500}, {"1e9", 500}}) {
    CAPTURE(age);
    Rig rig;
    rig.SetTargets({"a"}, "a");
    rig.answers["a"] = page(100, "0");
    rig.Run(20'000);
    rig.answers["a"] = page(105, age);
    rig.buckets.clear();
    rig.Run(30'000);
    std::int64_t found = -1;
    for (const Bucket& bucket : rig.buckets) {
      for (const Entry& e : bucket.entries) {
        if (e.member->kind == Kind::kPod && e.point.Get(Field::kCpuMillicores) != 0)
          found = e.point.Get(Field::kCpuMillicores);
      }
    }
    CHECK(found == want);
  }
}

TEST_CASE("scraper: the node's name: label, else the page, else host:port") {
  Rig rig;
  rig.SetTargets({"a"}, "label");
  rig.answers = {{"a", PodPage("page", "p", 5)}};
  rig.Run(10'100);
  CHECK(rig.Buckets() == "0: label/p=5 1/0\n");
  rig.SetTargets({"a"});
  rig.Run(20'100);
  CHECK(rig.Buckets() == "1: page/p=5 1/0\n");
  rig.answers = {{"a", "container_memory_usage_bytes{namespace=\"n\",pod=\"p\",container=\"c\"} 6\n"}};
  rig.Run(30'100);
  CHECK(rig.Buckets() == "2: a:1/p=6 1/0\n");
}

TEST_CASE("scraper: two targets of one node name: one is refused until the other goes") {
  Rig rig;
  rig.SetTargets({"a", "b"});
  rig.answers = {{"a", PodPage("node", "pa", 1)}, {"b", PodPage("node", "pb", 2)}};
  rig.Run(10'100);
  const bool a_first = rig.scraper.Statuses()[0].up;
  const std::string first = a_first ? "a" : "b";
  const std::string second = a_first ? "b" : "a";
  const std::string value_of_first = a_first ? "1" : "2";
  const std::string value_of_second = a_first ? "2" : "1";
  CHECK(rig.Buckets() == "0: node/p" + first + "=" + value_of_first + " 1/0\n");
  const TargetStatus refused = rig.scraper.Statuses()[a_first ? 1 : 0];
  CHECK(!refused.up);
  CHECK(refused.node == "node");
  CHECK(refused.samples == 2);
  CHECK(refused.last_error ==
        "node 'node' is already reported by " + first +
            ": give one of them another name (label `node` in file_sd, --node.name of the exporter)");

  SUBCASE("it is removed") {
    rig.SetTargets({second});
    rig.Run(20'100);
    CHECK(rig.Buckets() == "1: node/p" + second + "=" + value_of_second + " 1/0\n");
  }
  SUBCASE("it fails") {
    rig.answers[first] = "!down";
    rig.Run(50'100);
    CHECK(rig.Buckets() == "1: 0/1\n2: 0/1\n3: 0/1\n4: node/p" + second + "=" + value_of_second + " 1/1\n");
    CHECK(rig.scraper.Statuses()[a_first ? 1 : 0].up);
  }
}

TEST_CASE("scraper: pages that are of no use") {
  LoopOptions options;
  options.max_samples = 3;
  Rig rig(options);
  rig.SetTargets({"a"});
  std::int64_t until = 100;
  auto bad = [&](const std::string& page, std::string_view expected) {
    CAPTURE(page);
    rig.answers = {{"a", page}};
    rig.Run(until += 10'000);
    CHECK(rig.Buckets().ends_with(" 0/1\n"));
    CHECK(rig.scraper.Statuses()[0].last_error == expected);
  };
  bad("", "the page has no sample: is this an exporter's address?");
  bad("<html>\n<body>Hello</body>\n",
      "the page has no sample: line 1: no metric name at '<html>': is this an exporter's address?");
  bad("\x1b[31m\n", "the page has no sample: line 1: no metric name at '?[31m': is this an exporter's address?");
  bad("up 1\n", "the page has no series of a node, pods or containers: is this an exporter's address?");
  bad("a 1\nb 2\nc 3\nd 4\n", "the page has more than 3 samples (--scrape.max-samples)");
  rig.answers = {{"a", "garbage\n" + PodPage("node", "p", 1)}};
  rig.Run(until += 10'000);
  CHECK(rig.scraper.Statuses()[0].up);
  CHECK(rig.scraper.Statuses()[0].rejected_lines == 1);
  CHECK(rig.scraper.Stats().rejected_lines == 4);
}

TEST_CASE("scraper: an answer after its bucket was sealed is counted and dropped") {
  Rig rig;
  rig.SetTargets({"a"});
  rig.Run(10'000);
  CHECK(rig.Buckets().empty());  // waits
  std::uint64_t id = 1;
  rig.Run(15'100);
  CHECK(rig.Buckets() == "0: 0/1\n");
  rig.Answer(id, PodPage("node", "p", 1));
  CHECK(rig.scraper.Stats().late_samples == 2);
  CHECK(rig.scraper.Statuses()[0].last_error == "the answer came after its bucket was over and is not used");
  rig.answers = {{"a", PodPage("node", "p", 2)}};
  rig.Run(40'100);
  CHECK(rig.Buckets().ends_with("3: node/p=2 1/0\n"));
}

TEST_CASE("scraper: targets that go take their answers along; options reach the fetcher") {
  Rig rig;
  rig.SetTargets({"a"});
  rig.Run(9'900);
  rig.SetTargets({});
  rig.Answer(1, PodPage("node", "p", 1));
  CHECK(rig.scraper.Statuses().empty());
  rig.Run(10'100);
  CHECK(rig.Buckets() == "0: 0/0\n");

  LoopOptions options;
  options.timeout = std::chrono::milliseconds(60'000);
  options.interval_seconds = 300;  // does not change
  options.max_body_bytes = 7;
  options.max_connections = 9;
  rig.scraper.SetOptions(options);
  CHECK(rig.fetcher.limits_.timeout == std::chrono::milliseconds(10'000));
  CHECK(rig.fetcher.limits_.max_body_bytes == 7);
  CHECK(rig.fetcher.limits_.max_connections == 9);
}

TEST_CASE("scraper: time jumps") {
  Rig rig;
  rig.SetTargets({"a"});
  rig.answers = {{"a", PodPage("node", "p", 1)}};
  rig.Run(20'100);
  CHECK(rig.Buckets() == "0: node/p=1 1/0\n1: node/p=1 1/0\n");
  rig.clock.Advance(-15'000);
  rig.Run(30'100);
  CHECK(rig.Buckets() == "2: node/p=1 1/0\n");
  rig.clock.Advance(3'600'000);
  rig.Run(3'660'100);
  const std::string after = rig.Buckets();
  CAPTURE(after);
  CHECK(std::count(after.begin(), after.end(), '\n') <= 4);  // 363 (perhaps), 364, 365, and what was open
  CHECK(after.ends_with("365: node/p=1 1/0\n"));
}

}  // namespace cloudmon::scrape
