// SPDX-License-Identifier: Apache-2.0
#include "aggregator/store/catalog.h"

#include <algorithm>
#include <utility>

namespace cloudmon::store {
namespace {

bool ByMember(const KnownMember& a, const KnownMember& b) {
  return *a.member < *b.member;
}
bool ByPod(const KnownMember& a, const KnownMember& b) {
  return a.member->pod < b.member->pod;
}

template <class Less>
std::vector<KnownMember> Merged(const std::vector<KnownMember>& old, std::vector<KnownMember>& fresh, Less less) {
  std::sort(fresh.begin(), fresh.end(), less);
  std::vector<KnownMember> merged;
  merged.reserve(old.size() + fresh.size());
  std::merge(old.begin(), old.end(), fresh.begin(), fresh.end(), std::back_inserter(merged), less);
  return merged;
}

}  // namespace

Catalog::Catalog() {
  lists_.fill(std::make_shared<const MemberList>());
}

Slot Catalog::Resolve(const series::MemberPtr& member, std::int64_t time_seconds) {
  if (const auto found = by_pointer_.find(member.get()); found != by_pointer_.end()) {
    found->second.last_seconds = std::max(found->second.last_seconds, time_seconds);
    return found->second.slot;
  }
  const std::vector<KnownMember>& known = List(member->kind)->by_member;
  const auto equal = std::lower_bound(known.begin(), known.end(), KnownMember{member, 0}, ByMember);
  if (equal != known.end() && *equal->member == *member) {
    // The same member as another object: from now on that one is the fast path.
    const Slot slot = equal->slot;
    const auto known_as = by_pointer_.find(std::exchange(by_slot_[slot], member).get());
    const std::int64_t last_seconds = std::max(known_as->second.last_seconds, time_seconds);
    by_pointer_.erase(known_as);
    by_pointer_.emplace(member.get(), Info{member, slot, last_seconds});
    return slot;
  }
  const Slot slot = next_slot_++;
  by_pointer_.emplace(member.get(), Info{member, slot, time_seconds});
  by_slot_.emplace(slot, member);
  fresh_[static_cast<std::size_t>(member->kind)].push_back({member, slot});
  return slot;
}

void Catalog::Publish() {
  for (std::size_t kind = 0; kind < series::kKindCount; ++kind) {
    std::vector<KnownMember>& fresh = fresh_[kind];
    if (fresh.empty()) continue;
    auto list = std::make_shared<MemberList>();
    list->by_member = Merged(lists_[kind]->by_member, fresh, ByMember);
    if (static_cast<series::Kind>(kind) == series::Kind::kPod) {
      list->by_pod = Merged(lists_[kind]->by_pod, fresh, ByPod);
    }
    lists_[kind] = std::move(list);
    fresh.clear();
  }
}

void Catalog::Forget(std::int64_t time_seconds) {
  const std::size_t before = by_slot_.size();
  std::erase_if(by_pointer_, [&](const auto& item) {
    if (item.second.last_seconds >= time_seconds) return false;
    by_slot_.erase(item.second.slot);
    return true;
  });
  if (by_slot_.size() == before) return;
  const auto gone = [this](const KnownMember& known) { return !by_slot_.contains(known.slot); };
  for (MemberListPtr& published : lists_) {
    MemberList list = *published;
    std::erase_if(list.by_pod, gone);
    if (std::erase_if(list.by_member, gone) > 0) published = std::make_shared<const MemberList>(std::move(list));
  }
}

series::MemberPtr Catalog::MemberOf(Slot slot) const {
  const auto found = by_slot_.find(slot);
  return found != by_slot_.end() ? found->second : nullptr;
}

}  // namespace cloudmon::store
