// SPDX-License-Identifier: Apache-2.0
#include "aggregator/scrape/head_hash.h"

#include <doctest/doctest.h>

#include <set>
#include <string>

using namespace cloudmon::scrape;

TEST_CASE("head hash: the same text gives the same, any change another") {
  const HeadHasher hasher;
  for (const std::size_t size : {0U, 1U, 3U, 16U, 17U, 128U, 129U, 240U, 241U, 1000U, 70'000U}) {
    CAPTURE(size);
    const std::string text(size, 'x');
    CHECK(hasher(text) == hasher(std::string(text)));
    CHECK(hasher(text) != hasher(text + "x"));
    std::set<HeadHash> seen{hasher(text)};
    const std::size_t step = size / 50 + 1;
    std::size_t changes = 0;
    for (std::size_t at = 0; at < size; at += step, ++changes) {
      std::string changed = text;
      changed[at] = 'y';
      seen.insert(hasher(changed));
    }
    CHECK(seen.size() == changes + 1);
  }
}

TEST_CASE("head hash: every hasher has a secret of its own") {
  const std::string text = "pod_memory_usage_bytes{namespace=\"n\",pod=\"p\"}";
  CHECK(HeadHasher()(text) != HeadHasher()(text));
}

TEST_CASE("head hash: several texts are told apart by where they end") {
  const HeadHasher hasher;
  CHECK(hasher({"ab", "c"}) == hasher({"ab", "c"}));
  CHECK(hasher({"ab", "c"}) != hasher({"a", "bc"}));
  CHECK(hasher({"ab", ""}) != hasher({"", "ab"}));
  CHECK(hasher({"ab"}) != hasher({"ab", ""}));
}
