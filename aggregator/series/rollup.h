// SPDX-License-Identifier: Apache-2.0
// Sums of pods: namespaces, deployments, the cluster. Pure; one thread at a time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "aggregator/series/counter.h"
#include "aggregator/series/member_state.h"
#include "aggregator/series/model.h"

namespace cloudmon::series {

// A group without a member for this long (in bucket time) is forgotten, and its totals with it. Of those without one
// for kForgetCountersSeconds, at most so many are kept, the last used: jobs may make new names for ever.
inline constexpr std::int64_t kForgetGroupSeconds = 7 * 24 * 3600;
inline constexpr std::size_t kMaxEndedGroups = 10'000;

// Since when ended things are kept, given when each was last used: `from`, or later where more than `most` would be.
[[nodiscard]] std::int64_t KeepFrom(std::vector<std::int64_t> last_used, std::size_t most, std::int64_t from);

// What a group's point sums directly: gauges and rates. Totals go through the increases.
inline constexpr std::array kSummedFields = {
    Field::kCpuMillicores, Field::kMemoryBytes,   Field::kMemoryWorkingSetBytes, Field::kDiskReadRate,
    Field::kDiskWriteRate, Field::kNetworkRxRate, Field::kNetworkTxRate};
// Adds those of `point` to `sum`, stopping at the largest value.
void AddSummedFields(Point& sum, const Point& point);

// Gauges and rates are the sums of the members' in one bucket; totals are running sums of their increases, so they
// never fall. A field is set when at least one member has it.
class Group {
 public:
  explicit Group(Member member);

  [[nodiscard]] const MemberPtr& member() const { return member_; }
  [[nodiscard]] std::int64_t last_bucket_seconds() const { return last_bucket_seconds_; }

  // Counts a member in the bucket being summed, or with 0 pods what a node says of the group. Returns true for the
  // bucket's first.
  bool Add(const Update& update, std::int64_t bucket_seconds, std::int64_t pods = 1);
  // The bucket's point; the next Add() begins the next bucket.
  [[nodiscard]] Point Finish();

  // Counts only the increases, of a member in a bucket that is sealed, and sets the running totals of its counters in
  // `totals`.
  void AddIncreases(const Update& update, Point& totals);
  // Whether that bucket may show the running totals: no later one of this group was sealed. Then none before it may.
  [[nodiscard]] bool TakeTotalsInto(std::int64_t bucket_seconds);

  // Goes on from stored totals. They only grow, so of several points the largest count, in any order.
  void Restore(const MemberPtr& member, const Point& point, std::int64_t bucket_seconds);
  // The group is in use, though it has not been counted yet.
  void Touch(std::int64_t bucket_seconds);

 private:
  MemberPtr member_;
  std::array<std::uint64_t, kCounterCount> totals_{};
  std::int64_t last_bucket_seconds_ = 0;
  std::int64_t totals_bucket_seconds_ = 0;  // the newest bucket that may have shown totals
  Point sum_;                               // of the bucket being summed
};

// The groups of pods by name. References stay valid while the group is known.
class Groups {
 public:
  Group& Namespace(const std::string& ns) { return Find({Kind::kNamespace, {}, ns, {}, {}}); }
  Group& Deployment(const std::string& ns, const std::string& name) {
    return Find({Kind::kDeployment, {}, ns, name, {}});
  }
  // Forgets those that have ended, longer ago than is remembered or too many. No pod that is remembered is in them.
  void Sweep(std::int64_t bucket_seconds);

  [[nodiscard]] std::size_t size() const { return groups_.size(); }

 private:
  Group& Find(Member member);

  std::map<Member, Group> groups_;
};

}  // namespace cloudmon::series
