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

// The members of both lists, each once; the lists are ordered by member, and so is the result.
[[nodiscard]] std::vector<series::MemberPtr> Union(const std::vector<series::MemberPtr>& a,
                                                   const std::vector<series::MemberPtr>& b);

// The slices of members, which are ordered by member; so is what it returns.
using ReadSlicesOf = std::function<Result<std::vector<SeriesSlice>>(const std::vector<series::MemberPtr>& members)>;

// As Store::ForEach() for these members: `read` is called for batches of them. `buckets`: how many points a member may
// have.
Status ReadInPasses(std::vector<series::MemberPtr> members, const Store::MemberLess& less, std::size_t buckets,
                    std::size_t points_in_memory, const ReadSlicesOf& read,
                    const std::function<bool(SeriesSlice)>& take);

}  // namespace cloudmon::store
