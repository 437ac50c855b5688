// SPDX-License-Identifier: Apache-2.0
#include "exporter/push/pusher.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "common/http/gzip.h"
#include "tests/support/bounded_wait.h"
#include "tests/support/stub_server.h"

using namespace cloudmon;        // NOLINT: a test
using namespace cloudmon::push;  // NOLINT: a test

namespace {

// Answers each request with the next of `statuses`, then with the last of them for ever, and keeps the bodies.
class Receiver {
 public:
  explicit Receiver(std::vector<std::string> statuses)
      : statuses_(std::move(statuses)), server_([this](test::StubConnection& connection) { Serve(connection); }) {}

  [[nodiscard]] std::string url() const { return server_.Url("/api/ingest"); }

  // Blocks until that many requests have come; their bodies.
  std::vector<std::string> Wait(std::size_t requests) {
    std::unique_lock lock(mu_);
    const bool came = test::WaitUntil(changed_, lock, [&] { return bodies_.size() >= requests; });
    REQUIRE_MESSAGE(came, "waited in vain for " << requests << " requests, have " << bodies_.size());
    return bodies_;
  }

 private:
  void Serve(test::StubConnection& connection) {
    while (true) {
      const std::string head = connection.ReadRequest();
      if (head.empty()) return;
      const std::string body = connection.ReadBody(head);
      std::string status;
      {
        const std::lock_guard lock(mu_);
        status = statuses_[std::min(bodies_.size(), statuses_.size() - 1)];
        bodies_.push_back(body);
      }
      changed_.notify_all();
      connection.Send(test::HttpAnswer("", "", status));
    }
  }

  std::mutex mu_;
  std::condition_variable changed_;
  const std::vector<std::string> statuses_;
  std::vector<std::string> bodies_;
  test::StubServer server_;  // after what its threads use
};

PusherOptions OptionsFor(const std::string& url) {
  PusherOptions options;
  options.node = "node-a";
  options.interval = std::chrono::milliseconds(1000);
  options.url = url;
  return options;
}

}  // namespace

TEST_CASE("nodes spread over the interval, each always at the same place") {
  std::set<std::int64_t> offsets;
  for (int i = 0; i < 100; ++i) {
    const std::int64_t offset = OffsetMs("node-" + std::to_string(i), 10'000);
    CHECK(offset >= 0);
    CHECK(offset < 10'000);
    CHECK(offset == OffsetMs("node-" + std::to_string(i), 10'000));
    offsets.insert(offset / 1000);
  }
  CHECK(offsets.size() == 10);
}

TEST_CASE("ticks lie on the grid, and those missed are skipped") {
  CHECK(NextTickMs(20'000, 10'000, 3000) == 23'000);
  CHECK(NextTickMs(22'999, 10'000, 3000) == 23'000);
  CHECK(NextTickMs(23'000, 10'000, 3000) == 33'000);
  CHECK(NextTickMs(67'000, 10'000, 3000) == 73'000);
  CHECK(NextTickMs(0, 10'000, 0) == 10'000);
  CHECK(NextTickMs(1000, 10'000, 3000) == 3000);
}

TEST_CASE("documents are sent in order, again after failures, and counted") {
  Receiver receiver({"503 Service Unavailable", "401 Unauthorized", "200 OK", "400 Bad Request", "200 OK"});
  const SystemClock clock;
  Stats stats;
  int made = 0;
  {
    const Pusher pusher(
        OptionsFor(receiver.url()), [&] { return "document " + std::to_string(++made); }, [] { return 0.0; }, clock,
        stats);
    const std::vector<std::string> bodies = receiver.Wait(6);
    CHECK(bodies[0] == http::Gzip("document 1"));
    CHECK(bodies[1] == bodies[0]);
    CHECK(bodies[2] == bodies[0]);
    CHECK(bodies[3] == http::Gzip("document 2"));
    CHECK(bodies[4] == http::Gzip("document 3"));
    CHECK(bodies[5] == http::Gzip("document 4"));
  }
  CHECK(stats.failures == 2);
  CHECK(stats.refused == 1);
  CHECK(stats.sent >= 2);
  CHECK(stats.dropped == 0);
  CHECK(stats.last_success_ms > 0);
}

TEST_CASE("a document that cannot be made does not end pushing") {
  Receiver receiver({"200 OK"});
  const SystemClock clock;
  Stats stats;
  int made = 0;
  const Pusher pusher(
      OptionsFor(receiver.url()),
      [&] {
        if (++made == 1) throw std::runtime_error("no memory");
        return std::string("second");
      },
      [] { return 0.0; }, clock, stats);
  CHECK(receiver.Wait(1)[0] == http::Gzip("second"));
}

TEST_CASE("what does not fit the queue is dropped, and the end does not wait for the server") {
  const test::StubServer silent([](test::StubConnection& connection) { connection.WaitClosed(); });
  const SystemClock clock;
  Stats stats;
  PusherOptions options = OptionsFor(silent.Url());
  options.queue = 1;
  options.timeout = std::chrono::milliseconds(600'000);
  std::mutex mu;
  std::condition_variable changed;
  int made = 0;          // guarded by mu
  bool checked = false;  // guarded by mu
  const Pusher pusher(
      options,
      [&] {
        std::unique_lock lock(mu);
        ++made;
        changed.notify_all();
        changed.wait(lock, [&] { return made != 4 || checked; });  // nothing moves while the counts are looked at
        return std::string("document");
      },
      [] { return 0.0; }, clock, stats);
  std::unique_lock lock(mu);
  // One is being sent, one waits, one is dropped, one is being made.
  CHECK_MESSAGE(test::WaitUntil(changed, lock, [&] { return made >= 4; }), "waited in vain for documents");
  CHECK(stats.queued == 2);
  CHECK(stats.dropped == 1);
  CHECK(stats.sent == 0);
  checked = true;
  changed.notify_all();
}
