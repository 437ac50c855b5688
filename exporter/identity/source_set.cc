// SPDX-License-Identifier: Apache-2.0
#include "exporter/identity/source_set.h"

#include <algorithm>
#include <utility>

#include "common/result.h"

namespace cloudmon::identity {

void Backoff::Failed(std::int64_t now_ms) {
  if (Due(now_ms)) delay_ms_ = delay_ms_ == 0 ? kFirstMs : std::min(delay_ms_ * 2, kLastMs);
  next_ms_ = now_ms + delay_ms_;
}

SourceSet::SourceSet(std::vector<std::unique_ptr<Source>> sources) {
  for (auto& source : sources) {
    Entry& entry = entries_.emplace_back();
    entry.stats.source = source->name();
    entry.source = std::move(source);
  }
}

bool SourceSet::Due(std::int64_t now_ms) const {
  return std::any_of(entries_.begin(), entries_.end(), [&](const Entry& entry) {
    return HasNews(entry) || (!entry.stats.up && entry.retry.Due(now_ms));
  });
}

std::vector<Answer> SourceSet::Ask(std::int64_t now_ms, std::vector<Message>& messages) {
  std::vector<Answer> answers;
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    Entry& entry = entries_[i];
    if (!entry.stats.up && !HasNews(entry) && !entry.retry.Due(now_ms)) continue;
    ++entry.stats.refreshes;
    entry.version = entry.source->version();  // before it is asked: what comes in between is asked for again
    auto pods = entry.source->Fetch();
    if (!pods.ok()) {
      NoteFailure(entry, pods.error(), now_ms, messages);
      continue;
    }
    NoteSuccess(entry, pods.value().size(), messages);
    answers.push_back({i, std::move(pods).value()});
  }
  return answers;
}

void SourceSet::NoteSuccess(Entry& entry, std::size_t pods, std::vector<Message>& messages) {
  if (!entry.stats.up) {
    messages.push_back(
        {false, "identity source " + entry.stats.source + " answers: " + std::to_string(pods) + " pods"});
  }
  entry.stats.up = true;
  entry.retry.Reset();
  entry.last_reason.clear();
}

void SourceSet::NoteFailure(Entry& entry, const Error& error, std::int64_t now_ms, std::vector<Message>& messages) {
  const std::string_view reason = ErrorCodeName(error.code);
  if (entry.last_reason != reason) {
    messages.push_back({true, "identity source " + entry.stats.source + " is away: " + error.message});
  }
  entry.last_reason = reason;
  entry.stats.up = false;
  entry.retry.Failed(now_ms);
  ++entry.stats.errors[entry.last_reason];
}

std::optional<std::size_t> SourceSet::Best() const {
  const auto best = std::find_if(entries_.begin(), entries_.end(), [](const Entry& entry) { return entry.stats.up; });
  if (best == entries_.end()) return std::nullopt;
  return static_cast<std::size_t>(best - entries_.begin());
}

std::vector<SourceStats> SourceSet::Stats() const {
  std::vector<SourceStats> stats;
  for (const Entry& entry : entries_) {
    stats.push_back(entry.stats);
    stats.back().up = entry.stats.up && entry.source->current();
  }
  return stats;
}

std::string SourceSet::container_runtime() const {
  for (const Entry& entry : entries_) {
    if (std::string runtime = entry.source->container_runtime(); !runtime.empty()) return runtime;
  }
  return {};
}

}  // namespace cloudmon::identity
