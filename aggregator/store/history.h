// SPDX-License-Identifier: Apache-2.0
// All that is kept: the head's buckets and, before them, the archive's. Thread-safe; does I/O.
//
// What leaves the head is in the archive by then. So a reader looks at the head first, and asks the archive only for
// what is before it: nothing is missed, and nothing read twice.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "aggregator/series/model.h"
#include "aggregator/store/archive.h"
#include "aggregator/store/head.h"
#include "aggregator/store/passes.h"
#include "aggregator/store/store.h"
#include "common/result.h"

namespace cloudmon::store {

class History {
 public:
  // Both must outlive it.
  History(const Head& head, const Archive& archive, std::int64_t interval_seconds)
      : head_(head), archive_(archive), interval_seconds_(interval_seconds) {}

  // As the functions of Store.
  Result<std::vector<SeriesSlice>> Select(const Selector& selector, std::int64_t start_seconds,
                                          std::int64_t end_seconds, series::FieldMask fields,
                                          std::size_t max_points) const;
  [[nodiscard]] bool Knows(const Selector& selector) const;
  Status ForEach(const Selector& selector, std::int64_t start_seconds, std::int64_t end_seconds,
                 const Store::MemberLess& less, std::size_t points_in_memory,
                 const std::function<bool(SeriesSlice)>& take) const;

  // The members that match and may have points with start <= time < end, ordered by member.
  Result<std::vector<PassMember>> Members(const Selector& selector, std::int64_t start_seconds,
                                          std::int64_t end_seconds) const;

  // What is last known of the kind's members, ordered by member: see KeepLast(). Of those that are not in the head only
  // such as Archive::Newest() gives. For a start, when nothing moves from the head yet.
  Result<std::vector<SeriesSlice>> Tail(series::Kind kind, std::int64_t since_seconds,
                                        std::int64_t until_seconds) const;

 private:
  Result<std::vector<SeriesSlice>> SelectMembers(series::Kind kind, const std::vector<series::MemberPtr>& members,
                                                 std::int64_t start_seconds, std::int64_t end_seconds) const;

  const Head& head_;
  const Archive& archive_;
  const std::int64_t interval_seconds_;
};

}  // namespace cloudmon::store
