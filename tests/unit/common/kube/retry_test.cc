// SPDX-License-Identifier: Apache-2.0
#include "common/kube/retry.h"

#include <doctest/doctest.h>

using namespace cloudmon;        // NOLINT: a test
using namespace cloudmon::kube;  // NOLINT: a test

TEST_CASE("the first try is at once, the next after a second, twice that and so on, but half a minute at most") {
  for (std::uint32_t seed = 1; seed <= 100; ++seed) {
    Retry retry(seed);
    CHECK(retry.Failed(ErrorCode::kIo).count() == 0);
    for (const int most_ms : {1'000, 2'000, 4'000, 8'000, 16'000, 30'000, 30'000, 30'000}) {
      const auto delay = retry.Failed(ErrorCode::kIo).count();
      CHECK(delay <= most_ms);
      CHECK(delay >= most_ms / 2);
    }
    CHECK(retry.failures_in_row() == 9);
    retry.Succeeded();
    CHECK(retry.Failed(ErrorCode::kIo).count() == 0);
  }
}

TEST_CASE("not all try at the same time") {
  Retry one(1), other(2);
  one.Failed(ErrorCode::kIo);
  other.Failed(ErrorCode::kIo);
  CHECK(one.Failed(ErrorCode::kIo) != other.Failed(ErrorCode::kIo));
}

TEST_CASE("after an outage, what the server has forgotten is listed at once") {
  Retry retry(1);
  for (int i = 0; i < 6; ++i) retry.Failed(ErrorCode::kIo);
  CHECK(retry.Failed(ErrorCode::kGone).count() == 0);
  CHECK(retry.failures_in_row() == 6);
}

TEST_CASE("a server that forgets all the time is not asked all the time") {
  Retry retry(1);
  CHECK(retry.Failed(ErrorCode::kGone).count() == 0);
  CHECK(retry.Failed(ErrorCode::kGone).count() == 0);  // the first failure
  CHECK(retry.Failed(ErrorCode::kGone).count() >= 500);
  CHECK(retry.Failed(ErrorCode::kGone).count() >= 1'000);
  retry.Succeeded();
  CHECK(retry.Failed(ErrorCode::kGone).count() == 0);
  CHECK(retry.failures_in_row() == 0);
}
