// SPDX-License-Identifier: Apache-2.0
// The thread, with a real store and a real server.
#include "aggregator/remote_write/shipper.h"

#include <doctest/doctest.h>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/bounded_wait.h"
#include "tests/support/files.h"
#include "tests/support/stub_server.h"
#include "tests/unit/aggregator/remote_write/buckets.h"
#include "tests/unit/aggregator/remote_write/decode.h"

using namespace cloudmon;                // NOLINT: a test
using namespace cloudmon::remote_write;  // NOLINT: a test
using test::BucketOf;
using test::kInterval;
using test::PodEntry;

namespace {

// Takes requests and keeps what is in them.
class Receiver {
 public:
  Receiver() : server_([this](test::StubConnection& connection) { Serve(connection); }) {}

  [[nodiscard]] std::string url() const { return server_.Url("/api/v1/write"); }
  // Blocks until so many samples have come; all of them.
  std::vector<std::string> Wait(std::size_t samples) {
    std::unique_lock lock(mu_);
    const bool came = test::WaitUntil(changed_, lock, [&] { return lines_.size() >= samples; });
    REQUIRE_MESSAGE(came, "waited in vain for " << samples << " samples, have " << lines_.size());
    return lines_;
  }
  std::string LastHead() {
    const std::lock_guard lock(mu_);
    return head_;
  }

 private:
  void Serve(test::StubConnection& connection) {
    while (true) {
      const std::string head = connection.ReadRequest();
      if (head.empty()) return;
      const std::vector<std::string> lines = test::Decode(connection.ReadBody(head));
      {
        const std::lock_guard lock(mu_);
        head_ = head;
        lines_.insert(lines_.end(), lines.begin(), lines.end());
      }
      changed_.notify_all();
      connection.Send(test::HttpAnswer("", "", "204 No Content"));
    }
  }

  std::mutex mu_;
  std::condition_variable changed_;
  std::string head_;
  std::vector<std::string> lines_;
  test::StubServer server_;  // after what its threads use
};

struct Rig {
  Rig() : store(store::Store::Open({.path = dir.path(), .interval_seconds = kInterval}, clock).value()) {}

  ShipperOptions Options(const std::string& url) const {
    ShipperOptions options;
    options.url = url;
    options.retention_seconds = 7 * 24 * 3600;
    options.interval_seconds = kInterval;
    options.directory = dir.path();
    return options;
  }
  Shipper Start(const std::string& url) {
    return {Options(url), *store, clock, [] { return 0.0; }};
  }
  void Append(Shipper& shipper, int number) {
    const std::int64_t time_seconds = first + number * kInterval;
    store->Append(BucketOf(time_seconds, {PodEntry("web-1", number)}));
    shipper.Appended(time_seconds);
  }

  SystemClock clock;
  test::TempDir dir;
  std::unique_ptr<store::Store> store;
  const std::int64_t first = clock.NowMs() / 1000 / kInterval * kInterval;
};

}  // namespace

TEST_CASE("buckets go out as they are stored, with the protocol's headers") {
  Rig rig;
  Receiver receiver;
  Shipper shipper = rig.Start(receiver.url());
  for (int i = 0; i < 20; ++i) rig.Append(shipper, i);
  const auto lines = receiver.Wait(20);
  for (int i = 0; i < 20; ++i) {
    CHECK(lines[static_cast<std::size_t>(i)] ==
          "cloudmon_pod_memory_bytes{deployment=\"web\",namespace=\"shop\",node=\"node-a\",pod=\"web-1\"} " +
              std::to_string(i) + " @" + std::to_string((rig.first + i * kInterval) * 1000));
  }
  const std::string head = receiver.LastHead();
  CHECK(head.starts_with("POST /api/v1/write HTTP/1.1\r\n"));
  for (const char* header : {"Content-Type: application/x-protobuf", "Content-Encoding: snappy",
                             "X-Prometheus-Remote-Write-Version: 0.1.0"}) {
    CHECK(head.find(std::string("\r\n") + header + "\r\n") != std::string::npos);
  }
  CHECK(head.find("\r\nUser-Agent: cloud-monitor/") != std::string::npos);
}

TEST_CASE("the end sends what is ready, and the next start goes on from there") {
  Rig rig;
  Receiver receiver;
  {
    Shipper shipper = rig.Start(receiver.url());
    for (int i = 0; i < 5; ++i) rig.Append(shipper, i);
  }
  CHECK(receiver.Wait(5).size() == 5);
  {
    Shipper shipper = rig.Start(receiver.url());
    for (int i = 5; i < 8; ++i) rig.Append(shipper, i);
    receiver.Wait(8);
  }
  CHECK(receiver.Wait(8).size() == 8);
}

TEST_CASE("a silent receiver does not hold up the end, nor who stores") {
  Rig rig;
  auto silent = std::make_unique<test::StubServer>([](test::StubConnection& connection) { connection.WaitClosed(); });
  ShipperOptions options = rig.Options(silent->Url());
  options.timeout = std::chrono::minutes(5);
  auto slow = std::make_unique<Shipper>(options, *rig.store, rig.clock, [] { return 0.0; });
  for (int i = 0; i < 5; ++i) rig.Append(*slow, i);
  const auto ended = std::async(std::launch::async, [&] { slow.reset(); });
  CHECK_MESSAGE(ended.wait_for(test::kLongWait) == std::future_status::ready, "the end waits for the receiver");
  silent.reset();  // then nothing waits for it
  ended.wait();
  Receiver receiver;
  Shipper shipper = rig.Start(receiver.url());
  CHECK(receiver.Wait(5).size() == 5);
}

TEST_CASE("reloads and amendments from other threads") {
  Rig rig;
  Receiver receiver;
  Shipper shipper = rig.Start(receiver.url());
  std::thread reloader([&] {
    for (int i = 0; i < 20; ++i) {
      ShipperOptions options = rig.Options(receiver.url());
      options.labels = {{"turn", std::to_string(i)}};
      shipper.Reload(options);
      (void)shipper.Stats();
    }
  });
  for (int i = 0; i < 50; ++i) {
    rig.Append(shipper, i);
    const std::int64_t amended = rig.first + i / 2 * kInterval;
    CHECK(rig.store->Amend({amended}, [](series::Bucket& bucket) { bucket.entries = {PodEntry("late", 1)}; }).ok());
    shipper.Amended({amended});
  }
  reloader.join();
  rig.Append(shipper, 50);
  const auto give_up = std::chrono::steady_clock::now() + test::kLongWait;
  while (shipper.Stats().sent_until_seconds < rig.first + 50 * kInterval) {
    REQUIRE_MESSAGE(std::chrono::steady_clock::now() < give_up, "the last bucket is not sent");
    std::this_thread::yield();
  }
  CHECK(shipper.Stats().up == true);
  CHECK(shipper.Stats().samples >= 50);
}
