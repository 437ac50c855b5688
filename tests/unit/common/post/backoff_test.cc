// SPDX-License-Identifier: Apache-2.0
#include "common/post/backoff.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <optional>

using cloudmon::post::Backoff;
using cloudmon::post::MakeRandom;

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

TEST_CASE("random numbers are from 0 up to 1") {
  const auto random = MakeRandom();
  for (int i = 0; i < 1000; ++i) {
    const double number = random();
    CHECK(number >= 0);
    CHECK(number < 1);
  }
}
