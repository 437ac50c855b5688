// SPDX-License-Identifier: Apache-2.0
#include "aggregator/store/bucket_changes.h"

#include <map>
#include <unordered_map>
#include <utility>

namespace cloudmon::store {
namespace {

// The changes by member. The same object is the same member; another object may be, too.
class Changes {
 public:
  std::size_t IndexOf(const series::MemberPtr& member) {
    const auto [known, fresh] = by_pointer_.try_emplace(member.get(), changes_.size());
    if (!fresh) return known->second;
    const auto [equal, is_new] = by_member_.try_emplace(*member, changes_.size());
    if (is_new) {
      changes_.push_back({member, {}, {}, {}});
      old_.push_back(nullptr);
    }
    return known->second = equal->second;
  }

  void Compare(const series::Bucket& before, const series::Bucket& after) {
    for (const series::Entry& entry : before.entries) old_[IndexOf(entry.member)] = &entry.point;
    for (const series::Entry& entry : after.entries) {
      const std::size_t index = IndexOf(entry.member);
      const series::Point* old = std::exchange(old_[index], nullptr);
      if (old != nullptr && *old == entry.point) continue;
      changes_[index].times_seconds.push_back(after.time_seconds);
      changes_[index].points.push_back(entry.point);
    }
    for (const series::Entry& entry : before.entries) {
      const std::size_t index = IndexOf(entry.member);
      if (std::exchange(old_[index], nullptr) != nullptr) changes_[index].gone_seconds.push_back(before.time_seconds);
    }
  }

  std::vector<SeriesChange> Take() && { return std::move(changes_); }

 private:
  std::unordered_map<const series::Member*, std::size_t> by_pointer_;
  std::map<series::Member, std::size_t> by_member_;
  std::vector<SeriesChange> changes_;
  std::vector<const series::Point*> old_;  // of the bucket being compared, not met in `after` yet
};

}  // namespace

std::vector<SeriesChange> ChangesOf(const std::vector<series::Bucket>& before,
                                    const std::vector<series::Bucket>& after) {
  Changes changes;
  for (std::size_t i = 0; i < before.size(); ++i) changes.Compare(before[i], after[i]);
  return std::move(changes).Take();
}

}  // namespace cloudmon::store
