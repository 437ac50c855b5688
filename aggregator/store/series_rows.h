// SPDX-License-Identifier: Apache-2.0
// The rows of table `series`: which number a member has in the stored documents.
#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "aggregator/series/model.h"
#include "aggregator/store/catalog.h"
#include "aggregator/store/database.h"
#include "common/result.h"

namespace cloudmon::store {

// `last_time` of a row is written when the member is first seen and then once in this time: writing it with each bucket
// would double the work. So a row is in use until this long after its last_time.
inline constexpr std::int64_t kTouchSeconds = 3600;

// Remembers the numbers of the members in the head. One thread at a time, the one of the connection.
class SeriesRows {
 public:
  static Result<SeriesRows> Open(Connection& db);

  // The member's number, for a bucket of this time; inserts or touches its row within the caller's transaction.
  // `member` is called only for a slot that is not remembered, and may give null: then so is the answer.
  template <class MemberOf>
  Result<std::optional<std::int64_t>> IdOf(Slot slot, std::int64_t time_seconds, MemberOf member) {
    const auto found = known_.find(slot);
    if (found == known_.end()) {
      const series::MemberPtr unknown = member(slot);
      return unknown ? Insert(slot, *unknown, time_seconds) : std::optional<std::int64_t>();
    }
    if (time_seconds - found->second.last_seconds >= kTouchSeconds) return Touch(slot, found->second.id, time_seconds);
    return std::optional(found->second.id);
  }
  // After the caller's transaction: what it changed is remembered, or not.
  void Committed();
  void RolledBack() { changed_.clear(); }

  // Deletes rows that no bucket from `oldest_seconds` on can name, and forgets the numbers of members that none from
  // `head_oldest_seconds` on names: Insert() finds them again.
  Status DeleteUnused(std::int64_t oldest_seconds, std::int64_t head_oldest_seconds);

 private:
  struct Row {
    std::int64_t id, last_seconds;
  };

  Result<std::optional<std::int64_t>> Insert(Slot slot, const series::Member& member, std::int64_t time_seconds);
  Result<std::optional<std::int64_t>> Touch(Slot slot, std::int64_t id, std::int64_t time_seconds);

  std::unordered_map<Slot, Row> known_;
  std::vector<std::pair<Slot, Row>> changed_;  // in the open transaction
  Statement insert_, touch_, delete_;
};

}  // namespace cloudmon::store
