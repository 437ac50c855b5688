// SPDX-License-Identifier: Apache-2.0
// The loop with its thread, real sockets and the real clock; waits for conditions, never for times.
#include "aggregator/scrape/loop.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <string>
#include <vector>

#include "aggregator/discovery/found_targets.h"
#include "aggregator/discovery/static_list.h"
#include "tests/support/stub_server.h"

namespace cloudmon::scrape {
namespace {

using series::Bucket;
using series::Kind;

// Collects what is sealed.
class Sink {
 public:
  void Put(Bucket bucket) {
    const std::lock_guard lock(mu_);
    buckets_.push_back(std::move(bucket));
    changed_.notify_all();
  }
  // Waits for a bucket that has a pod of this name.
  void WaitForPod(const std::string& pod) {
    std::unique_lock lock(mu_);
    changed_.wait(lock, [&] {
      for (const Bucket& bucket : buckets_) {
        for (const auto& entry : bucket.entries) {
          if (entry.member->kind == Kind::kPod && entry.member->pod == pod) return true;
        }
      }
      return false;
    });
  }
  std::vector<Bucket> Buckets() {
    const std::lock_guard lock(mu_);
    return buckets_;
  }

 private:
  std::mutex mu_;
  std::condition_variable changed_;
  std::vector<Bucket> buckets_;
};

discovery::Discoveries Static(const std::vector<std::string>& targets) {
  discovery::Discoveries out;
  out.push_back(std::move(discovery::MakeStaticList(targets)).value());
  return out;
}

std::string PageOf(const std::string& node, const std::string& pod) {
  return test::HttpAnswer("cloudmon_node_info{node=\"" + node + "\"} 1\npod_memory_usage_bytes{pod=\"" + pod +
                          "\"} 1\n");
}

}  // namespace

TEST_CASE("loop: scrapes good targets beside bad ones, takes a reload, stops while one hangs") {
  test::StubServer good(test::AlwaysAnswer(PageOf("good", "p")));
  test::StubServer other(test::AlwaysAnswer(PageOf("other", "q")));
  test::StubServer garbage(test::AlwaysAnswer(test::HttpAnswer("\x01\x02 garbage \xff\n")));
  test::StubServer silent([](test::StubConnection& c) { c.WaitClosed(); });
  const SystemClock clock;
  Sink sink;
  LoopOptions options;
  options.interval_seconds = 1;
  auto loop = Loop::Start(
      options, clock, Static({good.HostPort(), garbage.HostPort(), silent.HostPort()}),
      std::make_unique<series::Bucketer>(1), [&](Bucket b) { sink.Put(std::move(b)); },
      [](const auto&, const auto&) { return Status::Ok(); });
  sink.WaitForPod("p");
  bool all_tried = false;
  while (!all_tried) {
    const auto targets = loop->Targets();
    all_tried = targets.size() == 3 && targets[1].last_scrape_ms != 0 && targets[2].last_scrape_ms != 0;
    std::this_thread::yield();
  }
  const auto targets = loop->Targets();
  CHECK(targets[0].url == good.Url());
  CHECK(targets[1].last_error.starts_with("the page has no sample"));
  CHECK(targets[2].last_error == "no complete answer within 1 s (--scrape.timeout)");  // lowered to the interval

  loop->Reload(options, Static({other.HostPort()}));
  sink.WaitForPod("q");
  CHECK(loop->Targets().size() == 1);
  CHECK(loop->Stats().buckets_sealed >= 2);
  CHECK(good.connections() == 1);

  loop->Reload(options, Static({silent.HostPort()}));
  const int before = silent.connections();
  while (silent.connections() == before) std::this_thread::yield();
  loop.reset();
  std::int64_t last = 0;
  for (const Bucket& bucket : sink.Buckets()) {
    CHECK(bucket.time_seconds > last);
    last = bucket.time_seconds;
  }
}

TEST_CASE("loop: a discovery's news are taken up before the interval is over; a reload changes the shard") {
  class News final : public discovery::Discovery {
   public:
    std::vector<discovery::Target> Targets() override { return found.Targets(); }
    [[nodiscard]] bool Changed() const override { return found.Changed(); }
    discovery::FoundTargets found;
  };
  const SystemClock clock;
  const auto news = std::make_shared<News>();
  LoopOptions options;
  options.interval_seconds = 300;
  auto loop = Loop::Start(
      options, clock, {news}, std::make_unique<series::Bucketer>(300), [](const Bucket&) {},
      [](const auto&, const auto&) { return Status::Ok(); });
  const auto wait_for = [&](std::size_t targets) {
    while (loop->Targets().size() != targets) std::this_thread::yield();
  };
  std::vector<discovery::Target> targets;
  for (int i = 0; i < 20; ++i) {
    targets.emplace_back().url = "http://127.0.0.1:1/" + std::to_string(i);
  }
  news->found.Set(targets);
  wait_for(20);
  std::size_t sum = 0;
  for (options.shard = {0, 2}; options.shard.index < 2; ++options.shard.index) {
    const auto is_in = [&](const discovery::Target& target) { return options.shard.Has(target.url); };
    const auto expected = static_cast<std::size_t>(std::ranges::count_if(targets, is_in));
    loop->Reload(options, {news});
    wait_for(expected);
    sum += expected;
  }
  CHECK(sum == 20);
}

TEST_CASE("loop: what was pushed late and waits is stored before the end") {
  const SystemClock clock;
  std::mutex mu;
  std::condition_variable changed;
  std::vector<std::int64_t> amended;
  auto loop = Loop::Start(
      {}, clock, {}, std::make_unique<series::Bucketer>(10), [](const Bucket&) {},
      [&](const std::vector<std::int64_t>& buckets_seconds, const auto&) {
        const std::lock_guard lock(mu);
        amended.insert(amended.end(), buckets_seconds.begin(), buckets_seconds.end());
        changed.notify_all();
        return Status::Ok();
      });
  const std::int64_t bucket = (clock.NowMs() / 10'000 - 60) * 10;
  const auto push = [&](std::int64_t bucket_seconds) {
    PushedReading pushed;
    pushed.measured_at_ms = bucket_seconds * 1000;
    pushed.reading.node = "a";
    CHECK(loop->Push(std::move(pushed)).ok());
  };
  push(bucket);
  {
    std::unique_lock lock(mu);
    changed.wait(lock, [&] { return !amended.empty(); });
  }
  push(bucket + 10);  // the loop amends once a second
  push(bucket + 20);
  loop.reset();
  CHECK(amended == std::vector{bucket, bucket + 10, bucket + 20});
}

}  // namespace cloudmon::scrape
