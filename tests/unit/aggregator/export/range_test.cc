// SPDX-License-Identifier: Apache-2.0
#include "aggregator/export/range.h"

#include <doctest/doctest.h>

using namespace cloudmon;

namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

// "[start, end)" with the newest bucket at 1000, or the message.
std::string Range(const Pairs& pairs) {
  const auto query = exports::ParseRange(pairs, 10);
  if (!query.ok()) return query.error().message;
  const auto range = api::ResolveRange(query.value(), 1000, 1'013'000, 10);
  return std::to_string(range.start_seconds) + " " + std::to_string(range.end_seconds);
}

}  // namespace

TEST_CASE("the range of an export") {
  CHECK(Range({}) == "0 1010");
  CHECK(Range({{"window", "1m"}}) == "950 1010");
  CHECK(Range({{"start", "500"}}) == "500 1010");
  CHECK(Range({{"end", "500"}}) == "0 500");
  CHECK(Range({{"start", "500"}, {"end", "1970-01-01T00:10:00Z"}}) == "500 600");
  CHECK(Range({{"window", "abc"}}).starts_with("window: expected seconds or a duration"));
  CHECK(Range({{"window", "1m"}, {"start", "1"}}).starts_with("window: not together with start or end"));
  CHECK(Range({{"fields", "pods"}}) == "unknown parameter 'fields'; known for exports are window, start, end");
}
