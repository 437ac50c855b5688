// SPDX-License-Identifier: Apache-2.0
#include "aggregator/discovery/shard.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace cloudmon::discovery {

TEST_CASE("ParseShard") {
  auto good = [](std::string_view text, std::uint64_t index, std::uint64_t count) {
    CAPTURE(text);
    const auto shard = ParseShard(text);
    REQUIRE(shard.ok());
    CHECK(shard.value().index == index);
    CHECK(shard.value().count == count);
  };
  good("0/1", 0, 1);
  good("2/3", 2, 3);
  good("999/1000", 999, 1000);
  for (std::string_view text : {"", "/", "0", "0/", "/1", "1/1", "3/3", "0/0", "-1/2", "0/-2", "a/b", "0/2/3", " 0/2",
                                "0 / 2", "0/1001", "0/99999999999999999999", "1.0/2", "+0/2"}) {
    CAPTURE(text);
    const auto shard = ParseShard(text);
    REQUIRE(!shard.ok());
    CHECK(shard.error().code == ErrorCode::kInvalid);
    CHECK(shard.error().message ==
          "expected I/N, the shard from 0 and how many there are (at most 1000), such as 0/3, got '" +
              std::string(text) + "'");
  }
}

TEST_CASE("Shard: disjoint and complete, and about as many targets in each") {
  constexpr std::uint64_t kTargets = 5000;
  for (std::uint64_t count : {1U, 2U, 3U, 7U, 16U}) {
    CAPTURE(count);
    std::vector<std::uint64_t> sizes(count, 0);
    for (std::uint64_t i = 0; i < kTargets; ++i) {
      const std::string url =
          "http://10." + std::to_string(i / 256) + ".0." + std::to_string(i % 256) + ":9780/metrics";
      std::uint64_t in = 0;
      for (std::uint64_t index = 0; index < count; ++index) {
        if (!Shard{index, count}.Has(url)) continue;
        ++in;
        ++sizes[index];
      }
      REQUIRE(in == 1);
    }
    const auto [least, most] = std::ranges::minmax(sizes);
    CHECK(least * 100 >= kTargets / count * 80);
    CHECK(most * 100 <= kTargets / count * 120);
  }
}

// Aggregators of different versions share the targets: these must never change.
TEST_CASE("Shard: the hash stays as it is") {
  auto in = [](std::string_view url, std::uint64_t index) {
    CAPTURE(url);
    CHECK(Shard{index, 1000}.Has(url));
  };
  in("", 0xef46db3751d8e999ULL % 1000);  // XXH64 as its specification gives it
  in("a", 0xd24ec4f1a98c6e5bULL % 1000);
  in("abc", 0x44bc2cf5ad770999ULL % 1000);
}

}  // namespace cloudmon::discovery
