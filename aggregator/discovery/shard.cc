// SPDX-License-Identifier: Apache-2.0
#include "aggregator/discovery/shard.h"

#define XXH_INLINE_ALL  // no library to install where the program runs
#include <xxhash.h>

#include <string>

#include "common/text.h"

namespace cloudmon::discovery {

bool Shard::Has(std::string_view url) const {
  return count == 1 || XXH64(url.data(), url.size(), 0) % count == index;
}

Result<Shard> ParseShard(std::string_view text) {
  constexpr std::uint64_t kMaxCount = 1000;
  std::string_view rest = text;
  const auto index = text::ParseU64(text::Cut(rest, '/'));
  const auto count = text::ParseU64(rest);
  if (!index.ok() || !count.ok() || count.value() > kMaxCount || index.value() >= count.value()) {
    return Error{ErrorCode::kInvalid,
                 "expected I/N, the shard from 0 and how many there are (at most 1000), such as "
                 "0/3, got '" +
                     std::string(text) + "'"};
  }
  return Shard{index.value(), count.value()};
}

}  // namespace cloudmon::discovery
