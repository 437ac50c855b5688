// SPDX-License-Identifier: Apache-2.0
#include "exporter/push/queue.h"

#include <doctest/doctest.h>

#include <optional>
#include <string>

using cloudmon::push::Backoff;
using cloudmon::push::Queue;

namespace {

std::string Drain(Queue& queue) {
  std::string all;
  while (!queue.empty()) all += queue.TakeOldest();
  return all;
}

}  // namespace

TEST_CASE("a queue gives the oldest first and drops it when full") {
  Queue queue(3);
  CHECK(queue.empty());
  for (const char* document : {"a", "b", "c"}) queue.Add(document);
  CHECK(queue.dropped() == 0);
  queue.Add("d");
  CHECK(queue.size() == 3);
  CHECK(queue.dropped() == 1);
  CHECK(Drain(queue) == "bcd");
}

TEST_CASE("a document put back is the oldest again, or goes where there is no room") {
  Queue queue(2);
  queue.Add("a");
  queue.Add("b");
  std::string taken = queue.TakeOldest();
  queue.PutBack(taken);
  CHECK(queue.dropped() == 0);
  taken = queue.TakeOldest();
  CHECK(taken == "a");
  queue.Add("c");
  queue.PutBack(taken);
  CHECK(queue.dropped() == 1);
  CHECK(Drain(queue) == "bc");
}

TEST_CASE("waits grow from 1 s to 60 s, and are random below that") {
  double random = 1;  // the end that is never reached shows the limits
  Backoff backoff([&] { return random; });
  for (const std::int64_t want : {1000, 2000, 4000, 8000, 16'000, 32'000, 60'000, 60'000}) {
    CHECK(backoff.Failed(std::nullopt) == want);
  }
  for (int i = 0; i < 100; ++i) CHECK(backoff.Failed(std::nullopt) == 60'000);
  random = 0.25;
  CHECK(backoff.Failed(std::nullopt) == 15'000);
  random = 0;
  CHECK(backoff.Failed(std::nullopt) == 0);
  backoff.Succeeded();
  random = 0.5;
  CHECK(backoff.Failed(std::nullopt) == 500);
}

TEST_CASE("what the server asks for is the least wait, up to 5 minutes") {
  Backoff backoff([] { return 0.5; });
  CHECK(backoff.Failed(0) == 500);
  CHECK(backoff.Failed(7000) == 7000);
  CHECK(backoff.Failed(86'400'000) == 300'000);
  CHECK(backoff.Failed(1) == 4000);
}
