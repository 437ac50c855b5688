// SPDX-License-Identifier: Apache-2.0
// The loop with its thread, real sockets and the real clock; waits for conditions, never for times.
#include "aggregator/scrape/loop.h"

#include <doctest/doctest.h>

#include <condition_variable>
#include <mutex>
#include <string>
#include <vector>

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

std::vector<std::unique_ptr<discovery::Discovery>> Static(const std::vector<std::string>& targets) {
  std::vector<std::unique_ptr<discovery::Discovery>> out;
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
  loop->Reload(options, std::nullopt);  // keeps the other's, though nobody may have taken them up yet
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
