// SPDX-License-Identifier: Apache-2.0
// The part of the scraper that takes what is pushed.
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "aggregator/scrape/scraper.h"

namespace cloudmon::scrape {

Status Scraper::Push(PushedReading pushed) {
  const std::lock_guard lock(mu_);
  const std::int64_t now_ms = clock_.NowMs();
  Pusher* pusher = pushers_.Find(pushed.reading.node, last_id_ + 1);
  if (pusher == nullptr) {
    ++stats_.push_refusals;
    return Error{ErrorCode::kLimit, "more than " + std::to_string(kMaxPushers) +
                                        " nodes push, which is the most: wait until others were silent for an hour"};
  }
  last_id_ = std::max(last_id_, pusher->id);
  const bool was_up = pushers_.IsUp(*pusher, now_ms);
  pusher->from = pushed.from;
  TargetStatus& status = pusher->status;
  status.last_scrape_ms = now_ms;
  status.body_bytes = pushed.body_bytes;
  status.samples = pushed.reading.pods.size() + 1;
  status.last_error.clear();

  Status taken = TakePushed(*pusher, std::move(pushed), now_ms);
  const bool is_busy = !taken.ok() && taken.error().code == ErrorCode::kLimit;  // the sender tries again
  if (!taken.ok()) {
    status.last_error = Printable(taken.error().message);
    if (!pusher->is_refused && !is_busy) spdlog::warn("push from {}: {}", pusher->from, status.last_error);
    ++stats_.push_refusals;
  } else if (!was_up) {
    spdlog::info("{}: up, pushed from {}", Printable(status.url), pusher->from);
  }
  if (!is_busy) pusher->is_refused = !taken.ok();
  return taken;
}

Status Scraper::TakePushed(Pusher& pusher, PushedReading pushed, std::int64_t now_ms) {
  const std::string node = pushed.reading.node;
  const std::uint64_t owner = names_.Claim(node, pusher.id, schedule_.BucketOf(now_ms), kPushPatienceMs);
  if (owner != pusher.id) {
    return Error{ErrorCode::kDenied,
                 "node '" + node + "' is scraped from " + *UrlOf(owner) + ": stop pushing it or remove the target"};
  }
  const std::int64_t bucket_ms = schedule_.BucketOf(pushed.measured_at_ms);
  const bool is_open = schedule_.Open(bucket_ms, now_ms);
  if (!is_open && waiting_entries_ >= kMaxWaitingEntries) {
    return Error{ErrorCode::kLimit, "too many late documents wait to be stored: try again in a few seconds"};
  }
  pushers_.NoteTaken(pusher, pushed.measured_at_ms, now_ms);
  ++stats_.pushes;
  if (is_open) {
    counts_[bucket_ms].pushed.insert(pusher.id);
    bucketer_->Push(node, bucket_ms / 1000, pushed.measured_at_ms, std::move(pushed.reading));
  } else {
    ++stats_.late_pushes;
    const bool was_missing = Pushers::TakeMissing(pusher, bucket_ms);
    waiting_entries_ += bucketer_->PushLate(node, bucket_ms / 1000, pushed.measured_at_ms, pushed.reading, was_missing);
  }
  return Status::Ok();
}

}  // namespace cloudmon::scrape
