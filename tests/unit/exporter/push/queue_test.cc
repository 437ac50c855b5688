// SPDX-License-Identifier: Apache-2.0
#include "exporter/push/queue.h"

#include <doctest/doctest.h>

#include <string>

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
