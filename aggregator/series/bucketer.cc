// SPDX-License-Identifier: Apache-2.0
#include "aggregator/series/bucketer.h"

#include <algorithm>
#include <unordered_set>

#include "aggregator/series/nodes.h"
#include "aggregator/series/rollup.h"

namespace cloudmon::series {
namespace {

constexpr std::int64_t kSweepSeconds = 60;  // how often, in bucket time, what is forgotten is freed

struct Pushed {
  std::int64_t at_ms = 0;
  TargetReading reading;
};

struct OpenBucket {
  std::vector<Updates> updates;
  std::unordered_set<const NodeState*> nodes;  // in `updates`
  // Taken in when the bucket is sealed, so that a replaced one leaves no trace in the counters.
  std::map<std::string, Pushed> pushed;
};

}  // namespace

struct Bucketer::State {
  explicit State(std::int64_t interval_seconds) : nodes(interval_seconds, groups) {}

  std::optional<std::int64_t> last_sealed_seconds, newest_restored_seconds;
  std::int64_t next_sweep_seconds = 0;
  Groups groups;
  Group cluster{Member{}};
  Nodes nodes;
  std::map<std::int64_t, OpenBucket> open;                    // by start
  std::map<std::int64_t, std::vector<Amendment>> amendments;  // by start

  [[nodiscard]] bool IsSealed(std::int64_t bucket_seconds) const {
    return last_sealed_seconds && bucket_seconds <= *last_sealed_seconds;
  }
  void TakeInto(OpenBucket& bucket, std::int64_t bucket_seconds, const std::string& node_name, std::int64_t at_ms,
                const TargetReading& reading);
  void RollUp(std::vector<Updates> nodes_updates, std::int64_t bucket_seconds, std::vector<Entry>& out);
  void AddLateIncreases(const Updates& updates, std::int64_t bucket_seconds, Amendment& amendment);
  void Sweep(std::int64_t bucket_seconds);
};

Bucketer::Bucketer(std::int64_t interval_seconds) : state_(std::make_unique<State>(interval_seconds)) {}
Bucketer::~Bucketer() = default;

void Bucketer::Restore(const std::vector<std::pair<std::int64_t, Entry>>& last_entries) {
  State& state = *state_;
  for (const auto& [bucket_seconds, entry] : last_entries) {
    const MemberPtr& member = entry.member;
    state.newest_restored_seconds = std::max(state.newest_restored_seconds.value_or(bucket_seconds), bucket_seconds);
    if (member->kind == Kind::kNode || member->kind == Kind::kPod) {
      state.nodes.Restore(bucket_seconds, entry);
    } else if (member->kind == Kind::kCluster) {
      state.cluster.Restore(member, entry.point, bucket_seconds);
    } else {
      Group& group = member->kind == Kind::kNamespace ? state.groups.Namespace(member->ns)
                                                      : state.groups.Deployment(member->ns, member->deployment);
      group.Restore(member, entry.point, bucket_seconds);
    }
  }
}

std::optional<std::int64_t> Bucketer::NewestRestored() const {
  return state_->newest_restored_seconds;
}

void Bucketer::State::TakeInto(OpenBucket& bucket, std::int64_t bucket_seconds, const std::string& node_name,
                               std::int64_t at_ms, const TargetReading& reading) {
  NodeState& node = nodes.Find(node_name);
  if (!bucket.nodes.insert(&node).second) return;
  bucket.updates.push_back(nodes.Take(node, bucket_seconds, at_ms, nodes.IsInOrder(node, at_ms), reading));
}

void Bucketer::Add(const std::string& node, std::int64_t bucket_seconds, std::int64_t scraped_at_ms,
                   const TargetReading& reading) {
  State& state = *state_;
  if (state.IsSealed(bucket_seconds)) return;  // too late for any entry
  state.TakeInto(state.open[bucket_seconds], bucket_seconds, node, scraped_at_ms, reading);
}

void Bucketer::Push(const std::string& node, std::int64_t bucket_seconds, std::int64_t measured_at_ms,
                    TargetReading reading) {
  state_->open[bucket_seconds].pushed[node] = {measured_at_ms, std::move(reading)};
}

std::size_t Bucketer::PushLate(const std::string& node_name, std::int64_t bucket_seconds, std::int64_t measured_at_ms,
                               const TargetReading& reading, bool was_missing) {
  State& state = *state_;
  NodeState& node = state.nodes.Find(node_name);
  Amendment amendment;
  amendment.in_order = Nodes::IsNewer(node, measured_at_ms);
  amendment.was_missing = was_missing;
  const Updates updates = state.nodes.Take(node, bucket_seconds, measured_at_ms, amendment.in_order, reading);
  amendment.node = updates.node;
  for (const PodUpdate& item : updates.pods) amendment.pods.push_back({item.pod->member, item.update.point});
  for (const GroupUpdate& item : updates.groups) {
    amendment.groups.push_back({item.group->member(), item.update.point});
  }
  state.AddLateIncreases(updates, bucket_seconds, amendment);
  const std::size_t entries = amendment.entries();
  state.amendments[bucket_seconds].push_back(std::move(amendment));
  return entries;
}

void Bucketer::State::AddLateIncreases(const Updates& updates, std::int64_t bucket_seconds, Amendment& amendment) {
  std::map<Group*, Point> totals;
  auto add = [&](Group* group, const Update& update) {
    if (group != nullptr) group->AddIncreases(update, totals[group]);
  };
  for (const PodUpdate& item : updates.pods) {
    add(item.pod->ns, item.update);
    add(item.pod->deployment, item.update);
    add(&cluster, item.update);
  }
  for (const GroupUpdate& item : updates.groups) {
    add(item.group, item.update);
    if (item.group->member()->kind == Kind::kNamespace) add(&cluster, item.update);
  }
  for (const auto& [group, point] : totals) {
    if (!point.empty() && group->TakeTotalsInto(bucket_seconds)) amendment.totals.push_back({group->member(), point});
  }
}

std::map<std::int64_t, std::vector<Amendment>> Bucketer::TakeAmendments() {
  return std::exchange(state_->amendments, {});
}

// Frees the updates as it goes, so that the bucket is not in memory twice.
void Bucketer::State::RollUp(std::vector<Updates> nodes_updates, std::int64_t bucket_seconds, std::vector<Entry>& out) {
  std::vector<Group*> used;
  auto add = [&](Group* group, const Update& update, std::int64_t pods) {
    if (group != nullptr && group->Add(update, bucket_seconds, pods)) used.push_back(group);
  };
  for (Updates& updates : nodes_updates) {
    for (const PodUpdate& item : updates.pods) {
      add(item.pod->ns, item.update, 1);
      add(item.pod->deployment, item.update, 1);
      cluster.Add(item.update, bucket_seconds);
      out.push_back({item.pod->member, item.update.point});
    }
    for (const GroupUpdate& item : updates.groups) {
      add(item.group, item.update, 0);
      if (item.group->member()->kind == Kind::kNamespace) cluster.Add(item.update, bucket_seconds, 0);
    }
    updates = {};
  }
  for (Group* group : used) out.push_back({group->member(), group->Finish()});
}

Bucket Bucketer::Seal(std::int64_t bucket_seconds, std::size_t nodes_missing) {
  State& state = *state_;
  OpenBucket sealed;
  if (auto node = state.open.extract(bucket_seconds)) sealed = std::move(node.mapped());
  state.open.erase(state.open.begin(), state.open.lower_bound(bucket_seconds));
  state.last_sealed_seconds = bucket_seconds;
  for (const auto& [node, pushed] : sealed.pushed) {
    state.TakeInto(sealed, bucket_seconds, node, pushed.at_ms, pushed.reading);
  }

  const std::size_t nodes = sealed.updates.size();
  std::size_t pods = 0;
  for (const Updates& updates : sealed.updates) pods += updates.pods.size();
  Bucket out{bucket_seconds, {}};
  out.entries.reserve(nodes + pods + pods / 4 + 1);
  for (const Updates& updates : sealed.updates) out.entries.push_back(updates.node);
  state.RollUp(std::move(sealed.updates), bucket_seconds, out.entries);

  Point cluster = state.cluster.Finish();
  if (nodes > 0 && !cluster.Has(Field::kPods)) cluster.Set(Field::kPods, 0);
  cluster.Set(Field::kNodes, static_cast<std::int64_t>(nodes));
  cluster.Set(Field::kNodesMissing, static_cast<std::int64_t>(nodes_missing));
  out.entries.push_back({state.cluster.member(), cluster});
  state.Sweep(bucket_seconds);
  return out;
}

void Bucketer::State::Sweep(std::int64_t bucket_seconds) {
  if (bucket_seconds < next_sweep_seconds && bucket_seconds >= next_sweep_seconds - kSweepSeconds) return;
  next_sweep_seconds = bucket_seconds + kSweepSeconds;
  nodes.Sweep(bucket_seconds);
  groups.Sweep(bucket_seconds);
}

Bucketer::Remembered Bucketer::remembered() const {
  return {state_->nodes.node_count(), state_->nodes.pod_count(), state_->groups.size()};
}

}  // namespace cloudmon::series
