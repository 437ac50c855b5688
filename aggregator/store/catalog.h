// SPDX-License-Identifier: Apache-2.0
// The members that the head's buckets name, each with a small number that stands for it there. Pure; one thread at a
// time, but the lists it publishes are immutable and may be shared.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "aggregator/series/model.h"

namespace cloudmon::store {

using Slot = std::uint32_t;  // of a member; never used again for another

struct KnownMember {
  series::MemberPtr member;
  Slot slot;
};

// The members of one kind.
struct MemberList {
  std::vector<KnownMember> by_member;  // ordered by member
  std::vector<KnownMember> by_pod;     // pods only: ordered by pod name, so that one is found among many thousands
};
using MemberListPtr = std::shared_ptr<const MemberList>;

class Catalog {
 public:
  Catalog();

  // The member's slot; a new one where it is not known. `time_seconds`: the bucket that names it. A member is the same
  // when it is the same object (fast) or equal.
  Slot Resolve(const series::MemberPtr& member, std::int64_t time_seconds);
  // Takes the new ones of Resolve() into the lists. To be called before the lists are next looked at.
  void Publish();
  // Forgets members last named before `time_seconds`.
  void Forget(std::int64_t time_seconds);

  [[nodiscard]] const MemberListPtr& List(series::Kind kind) const { return lists_[static_cast<std::size_t>(kind)]; }
  [[nodiscard]] std::size_t size() const { return by_slot_.size(); }
  // Null where no member has the slot (any more).
  [[nodiscard]] series::MemberPtr MemberOf(Slot slot) const;

 private:
  struct Info {
    series::MemberPtr member;  // keeps the map's key alive
    Slot slot;
    std::int64_t last_seconds;
  };

  std::unordered_map<const series::Member*, Info> by_pointer_;
  std::unordered_map<Slot, series::MemberPtr> by_slot_;
  std::array<MemberListPtr, series::kKindCount> lists_;
  std::array<std::vector<KnownMember>, series::kKindCount> fresh_;
  Slot next_slot_ = 0;
};

}  // namespace cloudmon::store
