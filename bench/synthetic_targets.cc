// SPDX-License-Identifier: Apache-2.0
// Invented nodes to scrape: /t/N/metrics on one port of 127.0.0.1, N from 0. Pages are not compressed. GET /pages is
// the number of pages served. Ends by itself. Usage: synthetic_targets NODES PODS SECONDS [SEED]
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <limits>
#include <mutex>

#include "bench/synthetic_node.h"
#include "common/clock.h"
#include "common/http/server.h"
#include "common/signals.h"
#include "common/text.h"

using namespace cloudmon;

namespace {

struct Target {
  Target(int number, int nodes, int pods, std::uint64_t seed) : node(number, nodes, pods, seed) {}
  std::mutex mutex;
  bench::SyntheticNode node;  // guarded by mutex
};

class Cluster {
 public:
  Cluster(int nodes, int pods, std::uint64_t seed) : start_ms_(clock_.SteadyMs()) {
    for (int i = 0; i < nodes; ++i) targets_.emplace_back(i, nodes, pods, seed);
  }

  http::Response Page(const http::Request& request) {
    const auto number = text::ParseU64(request.path_params.at("target"));
    if (!number.ok() || number.value() >= targets_.size()) return http::JsonError(404, "not_found", "no such target");
    Target& target = targets_[number.value()];
    http::Response response{.content_type = "text/plain; version=0.0.4; charset=utf-8"};
    {
      const std::lock_guard lock(target.mutex);
      response.body = target.node.Page((clock_.SteadyMs() - start_ms_) / 1000);
    }
    ++pages_;
    return response;
  }

  [[nodiscard]] http::Response Pages() const { return {.body = std::to_string(pages_) + "\n"}; }

 private:
  SystemClock clock_;
  std::int64_t start_ms_;
  std::deque<Target> targets_;  // a Target cannot move
  std::atomic<std::uint64_t> pages_ = 0;
};

int Serve(int nodes, int pods, unsigned seconds, std::uint64_t seed) {
  HoldSignals();
  ::alarm(seconds);  // ends the program, whatever became of those who started it
  Cluster cluster(nodes, pods, seed);
  http::Router router;
  router.Add("GET", "/t/{target}/metrics", "", [&](const http::Request& request) { return cluster.Page(request); });
  router.Add("GET", "/pages", "", [&](const http::Request&) { return cluster.Pages(); });
  // A thread for each scraper's connection, and no connection ever closed: real targets have no neighbours either.
  const http::ServerOptions options{.listen_address = "127.0.0.1:0",
                                    .threads = nodes + 8,
                                    .idle_timeout_ms = 120'000,
                                    .gzip_from_bytes = std::numeric_limits<std::size_t>::max()};
  const auto server = http::Server::Start(options, router);
  if (!server.ok()) {
    std::fprintf(stderr, "%s\n", server.error().message.c_str());
    return 1;
  }
  std::printf("listening on 127.0.0.1:%d\n", server.value()->port());
  std::fflush(stdout);
  while (WaitForSignal() != Signal::kStop) {
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const int nodes = argc > 1 ? std::atoi(argv[1]) : 0;
  const int pods = argc > 2 ? std::atoi(argv[2]) : 0;
  const int seconds = argc > 3 ? std::atoi(argv[3]) : 0;
  if (nodes <= 0 || nodes > 500 || pods <= 0 || pods > 1000 || seconds <= 0) {
    std::fprintf(stderr, "usage: synthetic_targets NODES PODS SECONDS [SEED]   at most 500 nodes, 1000 pods each\n");
    return 2;
  }
  return Serve(nodes, pods, static_cast<unsigned>(seconds), argc > 4 ? std::strtoull(argv[4], nullptr, 10) : 42);
}
