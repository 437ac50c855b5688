// SPDX-License-Identifier: Apache-2.0
#include "aggregator/remote_write/shipper.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <utility>

namespace cloudmon::remote_write {
namespace {

constexpr std::int64_t kNotStopping = INT64_MAX;

}  // namespace

State BeginFrom(const Result<std::optional<State>>& kept, std::optional<std::int64_t> newest_seconds,
                std::int64_t now_seconds, std::int64_t interval_seconds) {
  constexpr std::int64_t kMaxAheadSeconds = 5 * 60;
  const std::int64_t this_bucket_seconds = now_seconds - now_seconds % interval_seconds;
  State fresh{newest_seconds.value_or(this_bucket_seconds - interval_seconds), {}};
  if (!kept.ok()) {
    spdlog::error("remote_write: {}; what was not sent before is not sent", kept.error().message);
    return fresh;
  }
  if (!kept.value()) {
    spdlog::info("remote_write: begins with the next bucket; what is stored already is not sent");
    return fresh;
  }
  State state = *kept.value();
  if (state.sent_until_seconds > now_seconds + kMaxAheadSeconds) {
    spdlog::error(
        "remote_write: sent up to {}, which is yet to come (was the clock ahead?); begins with the next bucket",
        state.sent_until_seconds);
    return fresh;
  }
  state.sent_until_seconds -= state.sent_until_seconds % interval_seconds;
  return state;
}

Shipper::Shipper(const ShipperOptions& options, const store::Store& store, const Clock& clock,
                 std::function<double()> random, MakeSender make_sender)
    : clock_(clock),
      make_sender_(std::move(make_sender)),
      file_(options.directory),
      progress_(BeginFrom(file_.Load(), store.NewestBucket(), clock.NowMs() / 1000, options.interval_seconds),
                store.NewestBucket()),
      courier_(store, progress_, file_, clock, std::move(random), options.interval_seconds, TargetOf(options)) {
  spdlog::info("remote_write: sends to {} from bucket {} on", options.url,
               progress_.sent_until_seconds() + options.interval_seconds);
  thread_ = std::thread([this] { Run(); });
}

Shipper::~Shipper() {
  constexpr std::int64_t kEndsWithinMs = 2000;
  stop_at_ms_ = clock_.SteadyMs() + kEndsWithinMs;
  courier_.Wake();
  thread_.join();
}

Target Shipper::TargetOf(const ShipperOptions& options) const {
  post::SenderOptions sender;
  sender.url = options.url;
  sender.headers = {"Content-Type: application/x-protobuf", "Content-Encoding: snappy",
                    "X-Prometheus-Remote-Write-Version: 0.1.0"};
  sender.retried = {429};  // as the protocol says
  const bool by_name = !options.username.empty();
  sender.names = {"remote-write.url", by_name ? "remote-write.password-file" : "remote-write.bearer-token-file",
                  "remote-write.ca-file", "the receiver"};
  sender.token_file = options.token_file;
  sender.username = options.username;
  sender.password_file = options.password_file;
  sender.ca_file = options.ca_file;
  sender.verify_tls = options.verify_tls;
  sender.timeout = options.timeout;
  return {make_sender_(sender), options.labels, options.max_samples, options.retention_seconds};
}

void Shipper::Appended(std::int64_t time_seconds) {
  progress_.Appended(time_seconds);
  courier_.Wake();
}

void Shipper::Amended(const std::vector<std::int64_t>& times_seconds) {
  progress_.Amended(times_seconds);
  courier_.Wake();
}

void Shipper::Reload(const ShipperOptions& options) {
  Target target = TargetOf(options);
  {
    const std::lock_guard lock(mu_);
    next_target_ = std::move(target);
  }
  courier_.Wake();
}

void Shipper::Run() {
  bool goes_on = true;
  while (goes_on) {
    try {
      goes_on = Turn();
    } catch (const std::exception& e) {  // out of memory: the bucket is read anew
      spdlog::error("remote_write: {}", e.what());
      courier_.Restart();
    }
  }
  courier_.Save();
}

// False: it is time to end.
bool Shipper::Turn() {
  std::optional<Target> target;
  {
    const std::lock_guard lock(mu_);
    target = std::exchange(next_target_, std::nullopt);
  }
  if (target) {
    courier_.SetTarget(std::move(*target));
    return true;  // another may have come, and woken the sender of before
  }
  const std::int64_t stop_at_ms = stop_at_ms_;
  const bool busy = courier_.Prepare();
  const std::int64_t left_ms = stop_at_ms - clock_.SteadyMs();
  if (stop_at_ms != kNotStopping && (!busy || left_ms <= 0)) return false;
  constexpr std::int64_t kLongMs = 60'000;
  courier_.Wait(std::chrono::milliseconds(std::min(left_ms, kLongMs)));
  return true;
}

}  // namespace cloudmon::remote_write
