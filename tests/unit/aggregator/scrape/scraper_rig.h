// SPDX-License-Identifier: Apache-2.0
// A scraper with a clock and a fetcher that the test plays.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "aggregator/scrape/scraper.h"
#include "tests/support/fake_clock.h"

namespace cloudmon::scrape::test {

using series::Bucket;
using series::Entry;
using series::Field;
using series::Kind;

inline constexpr std::int64_t kStart = 1'700'000'000'000;

// Notes what is asked for; the test answers.
class FakeFetcher final : public Fetcher {
 public:
  void SetLimits(const FetchLimits& limits) override { limits_ = limits; }
  void SetAccess(const FetchAccess&) override {}
  void Start(std::uint64_t id, const std::string& url) override { asked_[url] = id; }
  void Wait(std::chrono::milliseconds, const Done&) override {}
  void Wake() override {}

  FetchLimits limits_;
  std::map<std::string, std::uint64_t> asked_;  // url to id
};

inline std::string PodPage(const std::string& node, const std::string& pod, int memory) {
  return "cloudmon_node_info{node=\"" + node + "\"} 1\npod_memory_usage_bytes{namespace=\"n\",pod=\"" + pod + "\"} " +
         std::to_string(memory) + "\n";
}

struct Rig {
  // `restored`: what was stored before a restart.
  explicit Rig(const LoopOptions& options = {}, const std::vector<Bucket>& restored = {})
      : buckets(restored),
        scraper(
            options, clock, fetcher, Restored(options, restored),
            [this](Bucket bucket) { buckets.push_back(std::move(bucket)); },
            [this](const auto& buckets_seconds, const auto& change) {
              clock.Advance(amend_takes_ms);
              if (!amending.ok()) return amending;
              for (const std::int64_t bucket_seconds : buckets_seconds) {
                const auto known = std::ranges::find(buckets, bucket_seconds, &Bucket::time_seconds);
                change(known != buckets.end() ? *known : buckets.emplace_back(Bucket{bucket_seconds, {}}));
              }
              return amending;
            }) {}

  static std::unique_ptr<series::Bucketer> Restored(const LoopOptions& options, const std::vector<Bucket>& buckets) {
    auto bucketer = std::make_unique<series::Bucketer>(options.interval_seconds);
    for (const Bucket& bucket : buckets) {
      for (const Entry& entry : bucket.entries) bucketer->Restore({{bucket.time_seconds, entry}});
    }
    return bucketer;
  }
  void SetTargets(const std::vector<std::string>& urls, const std::string& node = "") {
    std::vector<discovery::Target> targets;
    for (const std::string& url : urls) targets.push_back({url, url + ":1", node, {{"rack", "7"}}, "static"});
    scraper.SetTargets(targets);
  }
  // In steps of a tenth of a second; answers what is asked for where `answers` has it: a page, or "!" and an error.
  void Run(std::int64_t until_ms) {
    while (clock.NowMs() < kStart + until_ms) {
      clock.Advance(100);
      scraper.Step();
      for (auto& [url, id] : std::exchange(fetcher.asked_, {})) {
        const auto answer = answers.find(url);
        if (answer != answers.end()) Answer(id, answer->second);
      }
    }
  }
  void Answer(std::uint64_t id, const std::string& page) {
    Result<Page> result = Page{page, exposition::Format::kText};
    if (page.starts_with('!')) result = Error{ErrorCode::kIo, page.substr(1)};
    scraper.Take({id, clock.NowMs(), 0.25, std::move(result)});
  }
  // A document of a node with one pod, measured at that time; its answer's error, or "".
  std::string Push(const std::string& node, std::int64_t measured_ms, std::uint64_t memory,
                   const std::string& pod = "p") {
    PushedReading pushed;
    pushed.measured_at_ms = kStart + measured_ms;
    pushed.from = "10.0.0.7";
    pushed.body_bytes = 77;
    pushed.reading.node = node;
    pushed.reading.pods.emplace_back().key = std::make_shared<const series::PodKey>(series::PodKey{"n", pod, "", ""});
    pushed.reading.pods.front().usage.memory_bytes = memory;
    const Status status = scraper.Push(std::move(pushed));
    return status.ok() ? "" : status.error().message;
  }
  // "12: a/p=5 cluster 1/0" for each bucket: time in tens of seconds, pods with memory, nodes/missing.
  std::string Buckets() { return Text(std::exchange(buckets, {})); }
  static std::string Text(const std::vector<Bucket>& of) {
    std::string out;
    for (const Bucket& bucket : of) {
      out += std::to_string(bucket.time_seconds / 10 - kStart / 10'000) + ":";
      for (const Entry& e : bucket.entries) {
        if (e.member->kind == Kind::kPod) {
          out += " " + e.member->node + "/" + e.member->pod + "=" + std::to_string(e.point.Get(Field::kMemoryBytes));
        } else if (e.member->kind == Kind::kCluster) {
          out += " " + std::to_string(e.point.Get(Field::kNodes)) + "/" +
                 std::to_string(e.point.Get(Field::kNodesMissing));
        }
      }
      out += "\n";
    }
    return out;
  }
  std::string Problems() {
    std::string out;
    for (const TargetStatus& s : scraper.Statuses())
      out += s.url + "=" + s.node + (s.up ? " up" : " " + s.last_error) + "\n";
    return out;
  }

  cloudmon::test::FakeClock clock{kStart};
  FakeFetcher fetcher;
  std::map<std::string, std::string> answers;
  std::int64_t amend_takes_ms = 0;
  Status amending = Status::Ok();  // what the store says
  std::vector<Bucket> buckets;
  Scraper scraper;
};

}  // namespace cloudmon::scrape::test
