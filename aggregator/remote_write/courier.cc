// SPDX-License-Identifier: Apache-2.0
#include "aggregator/remote_write/courier.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace cloudmon::remote_write {

using std::chrono::milliseconds;

Courier::Courier(const store::Store& store, Progress& progress, const StateFile& file, const Clock& clock,
                 std::function<double()> random, std::int64_t interval_seconds, Target target)
    : store_(store),
      progress_(progress),
      file_(file),
      clock_(clock),
      interval_seconds_(interval_seconds),
      target_(std::move(target)),
      reader_(store, interval_seconds),
      backoff_(std::move(random)) {}

void Courier::SetTarget(Target target) {
  Abandon();
  {
    const std::lock_guard lock(mu_);
    std::swap(target_, target);
  }
  backoff_.Succeeded();
  retry_at_ms_ = clock_.SteadyMs();
}

void Courier::Restart() {
  if (!in_flight_) Abandon();
  retry_at_ms_ = clock_.SteadyMs() + 1000;
}

// REQUIRES: nothing is in flight, or its sender goes.
void Courier::Abandon() {
  encoder_.reset();
  request_.reset();
  window_.reset();
  in_flight_ = false;
  if (bucket_ && bucket_->amended) progress_.EndAmended(false);
  bucket_.reset();
}

bool Courier::Prepare() {
  if (!request_ && !IsWaiting()) request_ = NextRequest();
  if (request_ && !in_flight_ && !IsWaiting()) {
    if (failed_before_) {
      const std::lock_guard lock(mu_);
      ++stats_.retries;
    }
    target_.sender->Start(request_->body);
    in_flight_ = true;
  }
  const bool at_once = idle_ && !save_failed_;
  if (at_once || clock_.SteadyMs() >= save_at_ms_) Save();
  return in_flight_ || (!idle_ && !IsWaiting());
}

void Courier::Wait(milliseconds at_most) {
  const auto result = target_.sender->Wait(std::min(at_most, UntilNextEvent()));
  if (result) Finish(*result);
}

milliseconds Courier::UntilNextEvent() const {
  constexpr std::int64_t kLongMs = 60'000;
  const std::int64_t now_ms = clock_.SteadyMs();
  std::int64_t wait_ms = kLongMs;
  if (!in_flight_ && IsWaiting()) {
    wait_ms = retry_at_ms_ - now_ms;
  } else if (!in_flight_ && !idle_) {
    wait_ms = 0;
  }
  if (!idle_ && save_at_ms_ > now_ms) wait_ms = std::min(wait_ms, save_at_ms_ - now_ms);
  return milliseconds(wait_ms);
}

std::optional<Request> Courier::NextRequest() {
  failed_before_ = false;
  idle_ = !bucket_ && !BeginBucket();
  if (idle_) return std::nullopt;
  if (encoder_) {
    if (auto request = encoder_->Next()) return request;
    encoder_.reset();
  }
  EndBucket();
  return std::nullopt;
}

bool Courier::BeginBucket() {
  const auto newest_seconds = store_.NewestBucket();
  if (newest_seconds) SkipForgotten(*newest_seconds);
  const std::int64_t next_seconds = progress_.sent_until_seconds() + interval_seconds_;
  if (newest_seconds && next_seconds <= *newest_seconds) return BeginNew(next_seconds, *newest_seconds);
  window_.reset();
  const auto amended_seconds = progress_.BeginAmended();
  return amended_seconds && BeginAmended(*amended_seconds);
}

// What is older than the retention may be gone.
void Courier::SkipForgotten(std::int64_t newest_seconds) {
  const std::int64_t cutoff_seconds = clock_.NowMs() / 1000 - target_.retention_seconds;
  const std::int64_t forgotten_seconds =
      std::min(cutoff_seconds - cutoff_seconds % interval_seconds_ - interval_seconds_, newest_seconds);
  const std::int64_t sent_until_seconds = progress_.sent_until_seconds();
  if (forgotten_seconds <= sent_until_seconds) return;
  spdlog::warn("remote_write: buckets after {} up to {} were not sent and are older than storage.retention",
               sent_until_seconds, forgotten_seconds);
  progress_.SentUntil(forgotten_seconds);
}

bool Courier::BeginNew(std::int64_t time_seconds, std::int64_t newest_seconds) {
  log_.Behind(clock_.SteadyMs(), (newest_seconds - time_seconds) / interval_seconds_, time_seconds - interval_seconds_);
  if (!window_ || !window_->Has(time_seconds)) {
    progress_.ReadingUntil(newest_seconds);
    const bool read = TakeWindow(reader_.Read(time_seconds, newest_seconds + interval_seconds_));
    progress_.ReadingUntil(read ? window_->end_seconds - interval_seconds_ : progress_.sent_until_seconds());
    if (!read) return false;
  }
  const auto next_seconds = window_->NextFrom(time_seconds, interval_seconds_);  // a gap may last
  bucket_ = Bucket{next_seconds.value_or(window_->end_seconds - interval_seconds_), false};
  if (next_seconds) Encode({*next_seconds, true});
  return true;
}

// Without ends: what is missing may still come, late.
bool Courier::BeginAmended(std::int64_t time_seconds) {
  bucket_ = Bucket{time_seconds, true};  // before what may throw: Abandon() then gives it back
  if (!TakeWindow(reader_.ReadAll(time_seconds, time_seconds + interval_seconds_))) {
    Abandon();
    return false;
  }
  Encode({time_seconds, false});
  return true;
}

void Courier::Encode(const Part& part) {
  encoder_.emplace(*window_, part, interval_seconds_, target_.labels, target_.max_samples);
}

bool Courier::TakeWindow(Result<Window> window) {
  if (!window.ok()) {
    window_.reset();
    log_.Failed(window.error().message);
    WaitAfterFailure(std::nullopt);
    return false;
  }
  window_ = std::move(window).value();
  return true;
}

void Courier::EndBucket() {
  if (bucket_->amended) {
    progress_.EndAmended(true);
    window_.reset();  // after a kill it may be of a bucket that is only made now
  } else {
    progress_.SentUntil(bucket_->time_seconds);
  }
  bucket_.reset();
}

void Courier::WaitAfterFailure(std::optional<std::int64_t> retry_after_ms) {
  retry_at_ms_ = clock_.SteadyMs() + backoff_.Failed(retry_after_ms);
}

void Courier::Finish(const post::SendResult& result) {
  in_flight_ = false;
  Count(result.outcome);
  failed_before_ = result.outcome == post::Outcome::kRetry;
  if (failed_before_) {
    log_.Failed(result.message);
    return WaitAfterFailure(result.retry_after_ms);
  }
  const std::size_t samples = request_->samples;
  request_.reset();
  backoff_.Succeeded();
  if (result.outcome == post::Outcome::kSent) return log_.Worked();
  log_.Refused(clock_.SteadyMs(), samples, result.message);
}

void Courier::Count(post::Outcome outcome) {
  const std::lock_guard lock(mu_);
  stats_.up = outcome == post::Outcome::kSent;
  switch (outcome) {
    case post::Outcome::kSent:
      ++stats_.requests_ok;
      stats_.samples += request_->samples;
      break;
    case post::Outcome::kRefused:
      ++stats_.requests_refused;
      stats_.samples_dropped += request_->samples;
      break;
    case post::Outcome::kRetry:
      ++stats_.requests_failed;
      break;
  }
}

void Courier::Save() {
  constexpr std::int64_t kPeriodMs = 1000, kAfterFailureMs = 10'000;
  State state = progress_.Current();
  if (state == saved_) return;
  const Status saved = file_.Save(state);
  save_failed_ = !saved.ok();
  save_at_ms_ = clock_.SteadyMs() + (save_failed_ ? kAfterFailureMs : kPeriodMs);
  log_.Saved(save_failed_ ? std::optional(saved.error().message) : std::nullopt);
  if (!save_failed_) saved_ = std::move(state);
}

void Courier::Wake() {
  const std::lock_guard lock(mu_);
  target_.sender->Wake();
}

ShipStats Courier::Stats() const {
  const std::lock_guard lock(mu_);
  ShipStats stats = stats_;
  stats.sent_until_seconds = progress_.sent_until_seconds();
  return stats;
}

}  // namespace cloudmon::remote_write
