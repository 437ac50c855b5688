// SPDX-License-Identifier: Apache-2.0
// What is known of nodes and their pods between readings, and what a reading adds to it. Pure; one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "aggregator/series/member_state.h"
#include "aggregator/series/model.h"
#include "aggregator/series/reading.h"
#include "aggregator/series/rollup.h"

namespace cloudmon::series {

struct PodState {
  MemberPtr member;
  std::shared_ptr<const PodKey> key;  // of the last reading; null: restored, not seen since
  std::string uid;
  std::int64_t last_bucket_seconds = 0;
  std::uint64_t last_page = 0;  // which page it was last seen on
  PodCounters counters;
  Group* ns = nullptr;          // in Groups, which keeps groups longer than pods
  Group* deployment = nullptr;  // null: the pod has none
};

// What a node's documents without pods say of a group.
struct GroupState {
  std::int64_t last_bucket_seconds = 0;
  std::uint64_t last_page = 0;
  PodCounters counters;
};

struct NodeState {
  using Name = std::pair<std::string, std::string>;

  MemberPtr member;
  std::int64_t last_bucket_seconds = 0;
  std::int64_t at_ms = 0;           // the last scrape; 0: none
  std::int64_t uncertainty_ms = 0;  // of at_ms: not 0 after a restart
  NodeCounters counters;
  std::map<Name, PodState> pods;  // by namespace and name
  // The fast path: a pod whose key object is the one of its last reading. Keys are kept alive by their PodState.
  std::unordered_map<const PodKey*, PodState*> by_key;
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

// What readings added to a bucket. The states outlive it: only what was not seen for an hour is freed.
struct Updates {
  std::vector<Entry> nodes;
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

  // Appends what the reading says to `out`. Out of order only gauges are taken from it.
  void Take(NodeState& node, std::int64_t bucket_seconds, std::int64_t at_ms, bool in_order,
            const TargetReading& reading, Updates& out);

  // Goes on from a stored node's or pod's entry; of several the newest counts.
  void Restore(std::int64_t bucket_seconds, const Entry& entry);

  // Frees what is forgotten.
  void Sweep(std::int64_t bucket_seconds);

 private:
  void AddPods(NodeState& node, std::int64_t bucket_seconds, std::int64_t at_ms, bool in_order,
               const TargetReading& page, std::vector<PodUpdate>& out);
  void AddGroups(NodeState& node, std::int64_t bucket_seconds, std::int64_t at_ms, bool in_order,
                 const TargetReading& page, std::vector<GroupUpdate>& out);
  void SetMember(PodState& pod, MemberPtr member);
  void Identify(PodState& pod, const NodeState& node, const std::shared_ptr<const PodKey>& key);

  const std::int64_t interval_seconds_;
  Groups& groups_;
  std::uint64_t pages_ = 0;
  std::map<std::string, NodeState> nodes_;
};

}  // namespace cloudmon::series
