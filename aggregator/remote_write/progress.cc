// SPDX-License-Identifier: Apache-2.0
#include "aggregator/remote_write/progress.h"

#include <algorithm>
#include <utility>

namespace cloudmon::remote_write {

Progress::Progress(State state, std::optional<std::int64_t> newest_seconds)
    : state_(std::move(state)),
      read_until_seconds_(state_.sent_until_seconds),
      newest_seconds_(std::max(read_until_seconds_, newest_seconds.value_or(INT64_MIN))) {}

void Progress::Appended(std::int64_t time_seconds) {
  const std::lock_guard lock(mu_);
  if (time_seconds <= newest_seconds_) return Add(time_seconds);
  newest_seconds_ = time_seconds;
}

void Progress::Amended(const std::vector<std::int64_t>& times_seconds) {
  const std::lock_guard lock(mu_);
  for (const std::int64_t time_seconds : times_seconds) Add(time_seconds);
}

void Progress::Add(std::int64_t time_seconds) {
  if (time_seconds > read_until_seconds_) return;
  state_.amended_seconds.insert(time_seconds);
  if (state_.amended_seconds.size() > kMaxAmended) state_.amended_seconds.erase(state_.amended_seconds.begin());
}

std::int64_t Progress::sent_until_seconds() const {
  const std::lock_guard lock(mu_);
  return state_.sent_until_seconds;
}

void Progress::ReadingUntil(std::int64_t time_seconds) {
  const std::lock_guard lock(mu_);
  read_until_seconds_ = time_seconds;
}

void Progress::SentUntil(std::int64_t time_seconds) {
  const std::lock_guard lock(mu_);
  state_.sent_until_seconds = time_seconds;
}

std::optional<std::int64_t> Progress::BeginAmended() {
  const std::lock_guard lock(mu_);
  if (state_.amended_seconds.empty()) return std::nullopt;
  amending_seconds_ = state_.amended_seconds.extract(state_.amended_seconds.begin()).value();
  return amending_seconds_;
}

void Progress::EndAmended(bool sent) {
  const std::lock_guard lock(mu_);
  const auto amending_seconds = std::exchange(amending_seconds_, std::nullopt);
  if (!sent) state_.amended_seconds.insert(amending_seconds.value());
}

State Progress::Current() const {
  const std::lock_guard lock(mu_);
  State state = state_;
  if (amending_seconds_) state.amended_seconds.insert(*amending_seconds_);
  return state;
}

}  // namespace cloudmon::remote_write
