// SPDX-License-Identifier: Apache-2.0
#include "aggregator/scrape/schedule.h"

#include <algorithm>

namespace cloudmon::scrape {

std::int64_t OffsetMs(std::string_view url, std::int64_t interval_ms) {
  std::uint64_t hash = 14695981039346656037U;  // FNV-1a
  for (const char c : url) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 1099511628211U;
  }
  hash ^= hash >> 32U;  // urls often differ in their last characters only
  return static_cast<std::int64_t>(hash % static_cast<std::uint64_t>(interval_ms));
}

std::int64_t Schedule::BucketOf(std::int64_t time_ms) const {
  const std::int64_t rest = time_ms % interval_ms_;
  return time_ms - (rest < 0 ? rest + interval_ms_ : rest);
}

void Schedule::Add(std::uint64_t target, std::int64_t offset_ms, std::int64_t now_ms) {
  std::int64_t next_ms = BucketOf(now_ms) + offset_ms;
  if (next_ms < now_ms) next_ms += interval_ms_;
  if (targets_.try_emplace(target, Target{next_ms, std::nullopt}).second) ticks_.emplace(next_ms, target);
}

void Schedule::Remove(std::uint64_t target) {
  const auto found = targets_.find(target);
  if (found == targets_.end()) return;
  EndInFlight(found->second);
  ticks_.erase({found->second.next_ms, target});
  targets_.erase(found);
}

std::vector<std::uint64_t> Schedule::Due(std::int64_t now_ms) {
  std::vector<std::uint64_t> due;
  while (!ticks_.empty() && ticks_.begin()->first <= now_ms) {
    const auto [tick_ms, id] = *ticks_.begin();
    ticks_.erase(ticks_.begin());
    Target& target = targets_.at(id);
    const std::int64_t missed = (now_ms - tick_ms) / interval_ms_;
    if (missed > 0) {
      skipped_ticks_ += static_cast<std::uint64_t>(missed) + 1;
    } else if (Begin(target, tick_ms)) {
      due.push_back(id);
    } else {
      ++skipped_ticks_;
    }
    target.next_ms = tick_ms + (missed + 1) * interval_ms_;
    ticks_.emplace(target.next_ms, id);
  }
  const std::int64_t bucket_ms = BucketOf(now_ms);
  if (targets_.empty() && !IsSealed(bucket_ms)) open_.try_emplace(bucket_ms);
  return due;
}

bool Schedule::Begin(Target& target, std::int64_t tick_ms) {
  const std::int64_t bucket_ms = BucketOf(tick_ms);
  if (IsSealed(bucket_ms)) return false;
  OpenBucket& bucket = open_[bucket_ms];
  bucket.is_wanted = true;
  if (target.in_flight_ms) return false;
  target.in_flight_ms = bucket_ms;
  ++bucket.in_flight;
  return true;
}

void Schedule::EndInFlight(Target& target) {
  if (!target.in_flight_ms) return;
  if (const auto bucket = open_.find(*target.in_flight_ms); bucket != open_.end()) --bucket->second.in_flight;
  target.in_flight_ms.reset();
}

std::optional<std::int64_t> Schedule::Finish(std::uint64_t target) {
  const auto found = targets_.find(target);
  if (found == targets_.end()) return std::nullopt;
  const std::optional<std::int64_t> bucket_ms = found->second.in_flight_ms;
  EndInFlight(found->second);
  if (!bucket_ms || !open_.contains(*bucket_ms)) return std::nullopt;
  return bucket_ms;
}

bool Schedule::IsOver(std::int64_t bucket_ms, const OpenBucket& bucket, std::int64_t now_ms) const {
  const std::int64_t wait_ms = bucket.in_flight == 0 ? grace_ms_ : std::max(grace_ms_, timeout_ms_);
  return now_ms >= bucket_ms + interval_ms_ + wait_ms;
}

std::optional<std::int64_t> Schedule::Seal(std::int64_t now_ms) {
  while (!open_.empty() && IsOver(open_.begin()->first, open_.begin()->second, now_ms)) {
    const auto [bucket_ms, bucket] = *open_.begin();
    open_.erase(open_.begin());
    last_sealed_ms_ = bucket_ms;
    if (bucket.is_wanted || targets_.empty()) return bucket_ms;
  }
  return std::nullopt;
}

bool Schedule::Open(std::int64_t bucket_ms, std::int64_t now_ms) {
  if (IsSealed(bucket_ms)) return false;
  const bool is_first = open_.empty() || bucket_ms < open_.begin()->first;
  if (is_first && now_ms >= bucket_ms + interval_ms_ + grace_ms_) {
    last_sealed_ms_ = bucket_ms;  // a gap, which is not filled by scrapes any more
    return false;
  }
  open_[bucket_ms].is_wanted = true;
  return true;
}

std::optional<std::int64_t> Schedule::NextEventMs(std::int64_t now_ms) const {
  std::optional<std::int64_t> next;
  if (!ticks_.empty()) next = ticks_.begin()->first;
  if (!open_.empty()) {
    const auto& [bucket_ms, bucket] = *open_.begin();
    const std::int64_t end_ms = bucket_ms + interval_ms_ + grace_ms_;
    const std::int64_t seal_ms = now_ms < end_ms ? end_ms : bucket_ms + interval_ms_ + std::max(grace_ms_, timeout_ms_);
    next = std::min(next.value_or(seal_ms), seal_ms);
  } else if (targets_.empty()) {
    next = BucketOf(now_ms) + interval_ms_;
  }
  return next;
}

}  // namespace cloudmon::scrape
