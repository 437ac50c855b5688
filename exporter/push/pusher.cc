// SPDX-License-Identifier: Apache-2.0
#include "exporter/push/pusher.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <exception>
#include <new>
#include <utility>

#include "common/http/gzip.h"

namespace cloudmon::push {

using std::chrono::milliseconds;

namespace {

// What a document is refused with while a setting here or there is wrong is sent again.
post::SenderOptions SenderOptionsOf(const PusherOptions& options) {
  post::SenderOptions sender;
  sender.url = options.url;
  sender.headers = {"Content-Type: application/json", "Content-Encoding: gzip"};
  sender.retried = {401, 403, 404, 408, 425, 429};
  sender.names = {"push.url", "push.token-file", "", "the aggregator"};
  sender.token_file = options.token_file;
  sender.timeout = options.timeout;
  return sender;
}

}  // namespace

std::int64_t OffsetMs(std::string_view node, std::int64_t interval_ms) {
  return static_cast<std::int64_t>(std::hash<std::string_view>{}(node) % static_cast<std::uint64_t>(interval_ms));
}

std::int64_t NextTickMs(std::int64_t now_ms, std::int64_t interval_ms, std::int64_t offset_ms) {
  const std::int64_t since_tick_ms = ((now_ms - offset_ms) % interval_ms + interval_ms) % interval_ms;
  return now_ms - since_tick_ms + interval_ms;
}

Pusher::Pusher(const PusherOptions& options, std::function<std::string()> document, std::function<double()> random,
               const Clock& clock, Stats& stats)
    : options_(options),
      offset_ms_(OffsetMs(options.node, options.interval.count())),
      document_(std::move(document)),
      clock_(clock),
      stats_(stats),
      queue_(options.queue),
      backoff_(std::move(random)),
      sender_(post::MakeCurlSender(SenderOptionsOf(options))),
      next_tick_ms_(NextTickMs(clock.NowMs(), options.interval.count(), offset_ms_)),
      thread_([this] { Run(); }) {}

Pusher::~Pusher() {
  stop_ = true;
  sender_->Wake();
  thread_.join();
}

void Pusher::Run() {
  while (!stop_) {
    try {
      Turn();
    } catch (const std::exception& e) {  // out of memory: the document is lost, the next tick makes another
      spdlog::error("push: {}", e.what());
    }
  }
  if (Unsent() > 0) spdlog::warn("push: ending, unsent documents dropped: {}", Unsent());
}

void Pusher::Turn() {
  Tick();
  BeginSending();
  stats_.queued = Unsent();
  stats_.dropped = queue_.dropped();
  if (const auto result = sender_->Wait(UntilNextEvent())) Finish(*result);
}

void Pusher::Tick() {
  const std::int64_t now_ms = clock_.NowMs();
  const bool went_back = next_tick_ms_ - now_ms > options_.interval.count();
  const bool due = now_ms >= next_tick_ms_;
  if (went_back || due) next_tick_ms_ = NextTickMs(now_ms, options_.interval.count(), offset_ms_);
  if (!due) return;
  std::string packed = http::Gzip(document_());
  if (packed.empty()) throw std::bad_alloc();
  packed.shrink_to_fit();
  queue_.Add(std::move(packed));
}

void Pusher::BeginSending() {
  if (in_flight_ || queue_.empty() || clock_.SteadyMs() < retry_at_ms_) return;
  in_flight_ = queue_.TakeOldest();
  sender_->Start(*in_flight_);
}

milliseconds Pusher::UntilNextEvent() const {
  std::int64_t wait_ms = std::min<std::int64_t>(next_tick_ms_ - clock_.NowMs(), options_.interval.count());
  if (!in_flight_ && !queue_.empty()) wait_ms = std::min(wait_ms, retry_at_ms_ - clock_.SteadyMs());
  return milliseconds(std::max<std::int64_t>(wait_ms, 0));
}

void Pusher::Finish(const post::SendResult& result) {
  std::string document = std::move(*in_flight_);
  in_flight_.reset();
  if (result.outcome == post::Outcome::kRetry) {
    ++stats_.failures;
    queue_.PutBack(std::move(document));
    retry_at_ms_ = clock_.SteadyMs() + backoff_.Failed(result.retry_after_ms);
    return LogFailing(result.message);
  }
  backoff_.Succeeded();
  if (result.outcome == post::Outcome::kRefused) {
    ++stats_.refused;
    return LogRefused(result);
  }
  ++stats_.sent;
  stats_.last_success_ms = clock_.NowMs();
  LogWorking();
}

void Pusher::LogRefused(const post::SendResult& result) {
  if (!refused_statuses_.insert(result.status).second) return;
  spdlog::warn("push: the server refused a document, which is dropped: {}; more like this are only counted",
               result.message);
}

void Pusher::LogFailing(const std::string& reason) {
  if (dropped_when_failing_) return;
  dropped_when_failing_ = queue_.dropped();
  spdlog::warn("push: cannot send: {}. Up to {} documents are kept and sent later", reason, options_.queue);
}

void Pusher::LogWorking() {
  if (!dropped_when_failing_) return;
  spdlog::info("push: sending works again; documents dropped meanwhile: {}", queue_.dropped() - *dropped_when_failing_);
  dropped_when_failing_.reset();
}

}  // namespace cloudmon::push
