// SPDX-License-Identifier: Apache-2.0
// What is known of nodes and their pods between readings, and what a reading adds to it. Pure; one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "aggregator/series/member_state.h"
#include "aggregator/series/model.h"
#include "aggregator/series/reading.h"
#include "aggregator/series/rollup.h"

namespace cloudmon::series {

// However fast names change: of pods that have ended, and of nodes that are silent for an hour, at most this many are
// remembered; those last seen longest ago are forgotten first.
inline constexpr std::size_t kMaxEndedPods = 50'000, kMaxEndedNodes = 5'000;

struct PodState {
  MemberPtr member;
  std::shared_ptr<const PodKey> key;    // of the last reading; null: restored, not seen since
  std::shared_ptr<const PodKey> known;  // the last one with a uid; null: none had
  std::int64_t last_bucket_seconds = 0;
  std::uint64_t last_page = 0;  // which page it was last seen on
  PodCounters counters;
  Group* ns = nullptr;          // in Groups, which keeps groups longer than pods
  Group* deployment = nullptr;  // null: the pod has none
  PodState* next = nullptr;     // the pod that followed it on a page; null: not known
};

// What a node's documents without pods say of a group.
struct GroupState {
  std::int64_t last_bucket_seconds = 0;
  std::uint64_t last_page = 0;
  PodCounters counters;
};

// By namespace and name, which may stand for the pod.
struct ByName {
  using is_transparent = void;
  using Name = std::pair<std::string_view, std::string_view>;
  static Name Of(const Name& name) { return name; }
  static Name Of(const std::unique_ptr<PodState>& pod) { return {pod->member->ns, pod->member->pod}; }
  bool operator()(const auto& a, const auto& b) const { return Of(a) < Of(b); }
};

struct NodeState {
  using Name = std::pair<std::string, std::string>;

  MemberPtr member;
  std::int64_t last_bucket_seconds = 0;
  std::int64_t at_ms = 0;           // the last scrape; 0: none
  std::int64_t uncertainty_ms = 0;  // of at_ms: not 0 after a restart
  NodeCounters counters;
  std::set<std::unique_ptr<PodState>, ByName> pods;
  PodState* first = nullptr;          // on a page: pages keep their order, see PodState::next
  std::map<Name, GroupState> groups;  // by namespace and deployment
};

struct PodUpdate {
  PodState* pod;
  Update update;
};
struct GroupUpdate {
  Group* group;
  Update update;
};

// What a reading of a node added to a bucket. The states outlive it: what an open bucket names is not freed.
struct Updates {
  Entry node;
  std::vector<PodUpdate> pods;
  std::vector<GroupUpdate> groups;
};

class Nodes {
 public:
  // `groups` must outlive it.
  Nodes(std::int64_t interval_seconds, Groups& groups) : interval_seconds_(interval_seconds), groups_(groups) {}

  NodeState& Find(const std::string& name);

  // Whether a reading of an open bucket may advance the counters: it is newer than the last. One that is much older
  // means that the clock was set back, and may too.
  [[nodiscard]] bool IsInOrder(const NodeState& node, std::int64_t at_ms) const;
  // The same for a reading of a sealed bucket: surely newer than the last.
  [[nodiscard]] static bool IsNewer(const NodeState& node, std::int64_t at_ms) {
    return at_ms > node.at_ms + node.uncertainty_ms;
  }

  // What the reading says. Out of order only gauges are taken from it.
  [[nodiscard]] Updates Take(NodeState& node, std::int64_t bucket_seconds, std::int64_t at_ms, bool in_order,
                             const TargetReading& reading);

  // Goes on from a stored node's or pod's entry; of several the newest counts, and for a node's total the newest that
  // has it.
  void Restore(std::int64_t bucket_seconds, const Entry& entry);

  // Frees what is forgotten: last seen before that bucket, longer ago than is remembered or too many.
  void Sweep(std::int64_t bucket_seconds);

  [[nodiscard]] std::size_t pod_count() const;  // remembered
  [[nodiscard]] std::size_t node_count() const { return nodes_.size(); }

 private:
  void AddPods(NodeState& node, std::int64_t bucket_seconds, std::int64_t at_ms, bool in_order,
               const TargetReading& page, std::vector<PodUpdate>& out);
  void AddGroups(NodeState& node, std::int64_t bucket_seconds, std::int64_t at_ms, bool in_order,
                 const TargetReading& page, std::vector<GroupUpdate>& out);
  // Made where they are not known.
  PodState& FindPod(NodeState& node, const MemberPtr& member);
  PodState& FindPod(NodeState& node, const std::shared_ptr<const PodKey>& key);
  void SetMember(PodState& pod, MemberPtr member);
  void Identify(PodState& pod, const NodeState& node, const std::shared_ptr<const PodKey>& key);

  void SweepNodes(std::int64_t bucket_seconds);

  const std::int64_t interval_seconds_;
  Groups& groups_;
  std::uint64_t pages_ = 0;
  std::map<std::string, NodeState> nodes_;
};

}  // namespace cloudmon::series
