// SPDX-License-Identifier: Apache-2.0
// Which of several aggregators scrapes a target.
#pragma once

#include <cstdint>
#include <string_view>

#include "common/result.h"

namespace cloudmon::discovery {

// One of `count` shards; each target is in exactly one.
struct Shard {
  std::uint64_t index = 0, count = 1;

  // Whether XXH64(url), seed 0, modulo `count` is `index`: the same on every machine and in every version, as
  // aggregators that disagree would scrape a target twice or not at all. Thread-safe.
  [[nodiscard]] bool Has(std::string_view url) const;
};

// "I/N", such as "0/3": I counts from 0, N is at most 1000. Error: kInvalid with what was expected. Thread-safe.
[[nodiscard]] Result<Shard> ParseShard(std::string_view text);

}  // namespace cloudmon::discovery
