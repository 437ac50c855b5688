// SPDX-License-Identifier: Apache-2.0
// The nodes that push: what their last documents were, and which are missing from a bucket.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <unordered_set>
#include <vector>

#include "aggregator/scrape/status.h"

namespace cloudmon::scrape {

inline constexpr std::size_t kMaxPushers = 10'000;
inline constexpr std::int64_t kPushPatienceMs = 5 * 60 * 1000;  // silent for longer, another source may have the name
inline constexpr std::int64_t kForgetPusherMs = 60 * 60 * 1000;

struct Pusher {
  std::uint64_t id = 0;
  std::string from;                      // the sender's address
  TargetStatus status;                   // `up` is not kept here
  bool is_refused = false;               // the last document was
  std::int64_t taken_ms = 0;             // when the last document came that was taken; 0: none yet
  std::int64_t measured_ms = 0;          // the newest document's own time
  std::int64_t gap_ms = 0;               // between the newest two; 0: not known
  std::vector<std::int64_t> missing_ms;  // buckets, of the last hour, that counted it as missing
};

// Pure: time comes in as Unix milliseconds. One thread at a time.
class Pushers {
 public:
  explicit Pushers(std::int64_t interval_ms) : interval_ms_(interval_ms) {}

  // The one of that node, made with `new_id` where there is none; null where there would be too many. The pointer is
  // good until Forget.
  Pusher* Find(const std::string& node, std::uint64_t new_id);
  [[nodiscard]] const Pusher& At(const std::string& node) const { return pushers_.at(node); }

  // A document was taken.
  void NoteTaken(Pusher& pusher, std::int64_t measured_ms, std::int64_t now_ms);

  // The last document was taken, and is not older than three times the time that is to be expected between two.
  [[nodiscard]] bool IsUp(const Pusher& pusher, std::int64_t now_ms) const;
  // One was taken from any of them within the patience.
  [[nodiscard]] bool AreActive(std::int64_t now_ms) const;

  // How many are missing in a bucket for which those with the ids `reported` have pushed: those that are up and push
  // for every bucket. Noted in them.
  std::size_t CountMissing(std::int64_t bucket_ms, const std::unordered_set<std::uint64_t>& reported,
                           std::int64_t now_ms);
  // Whether the bucket counted it as missing; then it no longer does.
  static bool TakeMissing(Pusher& pusher, std::int64_t bucket_ms);

  // Drops those that were silent for an hour; returns their ids.
  std::vector<std::uint64_t> Forget(std::int64_t now_ms);

  void AppendStatuses(std::int64_t now_ms, std::vector<TargetStatus>& out) const;  // by node

 private:
  const std::int64_t interval_ms_;
  std::int64_t taken_ms_ = 0;              // the last of all
  std::map<std::string, Pusher> pushers_;  // by node
};

}  // namespace cloudmon::scrape
