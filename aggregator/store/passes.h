// SPDX-License-Identifier: Apache-2.0
// More points than fit into memory, read in several passes: the members are taken in batches. Thread-safe as what it
// calls.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include "aggregator/series/model.h"
#include "aggregator/store/store.h"
#include "common/result.h"

namespace cloudmon::store {

struct PassMember {
  series::MemberPtr member;
  std::size_t points = 0;  // it has at most so many
};

// The members of both lists, each once with the points of both; the lists are ordered by member, and so is the result.
[[nodiscard]] std::vector<PassMember> Union(const std::vector<PassMember>& a, const std::vector<PassMember>& b);

// The slices of members, which are ordered by member; so is what it returns.
using ReadSlicesOf = std::function<Result<std::vector<SeriesSlice>>(const std::vector<series::MemberPtr>& members)>;

// As Store::ForEach() for these members: `read` is called for batches of them.
Status ReadInPasses(std::vector<PassMember> members, const Store::MemberLess& less, std::size_t points_in_memory,
                    const ReadSlicesOf& read, const std::function<bool(SeriesSlice)>& take);

}  // namespace cloudmon::store
