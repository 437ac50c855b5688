// SPDX-License-Identifier: Apache-2.0
#include "common/http/connections.h"

#include <utility>

namespace cloudmon::http {
namespace {

constexpr std::chrono::milliseconds kStep{2};

}  // namespace

Connections::Connections(std::size_t threads, const Clock& clock, std::function<bool(Id)> hang_up)
    : threads_(threads), clock_(clock), hang_up_(std::move(hang_up)) {}

void Connections::Opened(Id id) {
  bool full = false;
  {
    const std::lock_guard lock(mu_);
    entries_[id] = {.state = State::kReading, .moved_ms = clock_.SteadyMs(), .hung_up = false};
    full = ++live_ >= threads_;
  }
  if (full) changed_.notify_all();
}

void Connections::Moved(Id id, State state) {
  const std::lock_guard lock(mu_);
  const auto it = entries_.find(id);
  if (it == entries_.end()) return;
  it->second.state = state;
  it->second.moved_ms = clock_.SteadyMs();
}

void Connections::Closed(Id id) {
  bool closing = false;
  {
    const std::lock_guard lock(mu_);
    const auto it = entries_.find(id);
    if (it == entries_.end()) return;
    if (!it->second.hung_up) --live_;
    entries_.erase(it);
    closing = closing_;
  }
  if (closing) changed_.notify_all();
}

bool Connections::Crowded() const {
  const std::lock_guard lock(mu_);
  return closing_ || live_ + 1 >= threads_;
}

bool Connections::Closing() const {
  const std::lock_guard lock(mu_);
  return closing_;
}

bool Connections::MakeRoom() {
  const std::lock_guard lock(mu_);
  return MakeRoomLocked();
}

bool Connections::MakeRoomLocked() {
  const std::int64_t newest_ms = clock_.SteadyMs() - kGraceMs;
  while (live_ >= threads_) {
    auto longest = entries_.end();
    for (auto it = entries_.begin(); it != entries_.end(); ++it) {
      if (it->second.hung_up || it->second.state == State::kHandling || it->second.moved_ms > newest_ms) continue;
      if (longest == entries_.end() || it->second.moved_ms < longest->second.moved_ms) longest = it;
    }
    if (longest == entries_.end() || !HangUp(longest)) return true;
  }
  return false;
}

void Connections::KeepRoom() {
  std::unique_lock lock(mu_);
  while (!closing_) {
    if (MakeRoomLocked()) {
      changed_.wait_for(lock, kStep);
    } else {
      changed_.wait(lock, [this] { return closing_ || live_ >= threads_; });
    }
  }
}

void Connections::CloseAll(std::chrono::milliseconds limit) {
  std::unique_lock lock(mu_);
  closing_ = true;
  changed_.notify_all();
  for (auto left = limit; !entries_.empty() && left.count() > 0; left -= kStep) {
    for (auto it = entries_.begin(); it != entries_.end(); ++it) {
      if (!it->second.hung_up && it->second.state == State::kReading) HangUp(it);
    }
    changed_.wait_for(lock, kStep);
  }
  for (auto it = entries_.begin(); it != entries_.end(); ++it) {
    if (!it->second.hung_up && it->second.state == State::kWriting) HangUp(it);
  }
}

bool Connections::HangUp(Entries::iterator entry) {
  if (!hang_up_(entry->first)) return false;
  entry->second.hung_up = true;
  --live_;
  return true;
}

}  // namespace cloudmon::http
