// SPDX-License-Identifier: Apache-2.0
#include "aggregator/scrape/pushers.h"

#include <algorithm>

namespace cloudmon::scrape {

Pusher* Pushers::Find(const std::string& node, std::uint64_t new_id) {
  if (const auto found = pushers_.find(node); found != pushers_.end()) return &found->second;
  if (pushers_.size() >= kMaxPushers) return nullptr;
  Pusher& pusher = pushers_[node];
  pusher.id = new_id;
  pusher.status.url = "push:" + node;
  pusher.status.node = node;
  pusher.status.source = "push";
  return &pusher;
}

void Pushers::NoteTaken(Pusher& pusher, std::int64_t measured_ms, std::int64_t now_ms) {
  pusher.taken_ms = taken_ms_ = now_ms;
  if (measured_ms <= pusher.measured_ms) return;
  if (pusher.measured_ms != 0) pusher.gap_ms = measured_ms - pusher.measured_ms;
  pusher.measured_ms = measured_ms;
}

bool Pushers::IsUp(const Pusher& pusher, std::int64_t now_ms) const {
  if (pusher.is_refused || pusher.taken_ms == 0) return false;
  return now_ms - pusher.taken_ms <= 3 * std::max(interval_ms_, pusher.gap_ms);
}

bool Pushers::AreActive(std::int64_t now_ms) const {
  return taken_ms_ != 0 && now_ms - taken_ms_ <= kPushPatienceMs;
}

std::size_t Pushers::CountMissing(std::int64_t bucket_ms, const std::unordered_set<std::uint64_t>& reported,
                                  std::int64_t now_ms) {
  std::size_t missing = 0;
  for (auto& [node, pusher] : pushers_) {
    const bool every_bucket = pusher.gap_ms != 0 && 2 * pusher.gap_ms <= 3 * interval_ms_;
    if (!every_bucket || !IsUp(pusher, now_ms) || reported.contains(pusher.id)) continue;
    std::erase_if(pusher.missing_ms, [&](std::int64_t other_ms) { return other_ms < bucket_ms - kForgetPusherMs; });
    pusher.missing_ms.push_back(bucket_ms);
    ++missing;
  }
  return missing;
}

bool Pushers::TakeMissing(Pusher& pusher, std::int64_t bucket_ms) {
  return std::erase(pusher.missing_ms, bucket_ms) > 0;
}

std::vector<std::uint64_t> Pushers::Forget(std::int64_t now_ms) {
  std::vector<std::uint64_t> ids;
  std::erase_if(pushers_, [&](const auto& item) {
    if (now_ms - item.second.status.last_scrape_ms <= kForgetPusherMs) return false;
    ids.push_back(item.second.id);
    return true;
  });
  return ids;
}

void Pushers::AppendStatuses(std::int64_t now_ms, std::vector<TargetStatus>& out) const {
  for (const auto& [node, pusher] : pushers_) {
    out.push_back(pusher.status);
    out.back().up = IsUp(pusher, now_ms);
  }
}

}  // namespace cloudmon::scrape
