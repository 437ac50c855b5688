// SPDX-License-Identifier: Apache-2.0
#include "aggregator/series/bucketer.h"

#include <algorithm>
#include <map>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "aggregator/series/member_state.h"
#include "aggregator/series/rollup.h"

namespace cloudmon::series {
namespace {

constexpr std::int64_t kSweepSeconds = 60;  // how often, in bucket time, what is forgotten is freed
// A scrape may be this much older than the last of its node, and two intervals, because it was slow. One that is older
// still means that the clock was set back.
constexpr std::int64_t kSlowestScrapeMs = 60'000;

struct PodState {
  MemberPtr member;
  std::shared_ptr<const PodKey> key;  // of the last reading; null: restored, not seen since
  std::string uid;
  std::int64_t last_bucket_seconds = 0;
  std::uint64_t last_page = 0;  // which page it was last seen on
  PodCounters counters;
  Group* ns = nullptr;          // in State::groups, which keeps groups longer than pods
  Group* deployment = nullptr;  // null: the pod has none
};

struct NodeState {
  MemberPtr member;
  std::int64_t last_bucket_seconds = 0;
  std::int64_t at_ms = 0;           // the last scrape; 0: none
  std::int64_t uncertainty_ms = 0;  // of at_ms: not 0 after a restart
  NodeCounters counters;
  std::map<std::pair<std::string, std::string>, PodState> pods;  // by namespace and name
  // The fast path: a pod whose key object is the one of its last reading. Keys are kept alive by their PodState.
  std::unordered_map<const PodKey*, PodState*> by_key;
};

struct PodUpdate {
  PodState* pod;
  Update update;
};

struct OpenBucket {
  std::vector<Entry> nodes;
  std::unordered_set<const NodeState*> node_states;
  std::vector<PodUpdate> pods;  // their PodStates outlive the bucket: only what was not seen for an hour is freed
};

}  // namespace

struct Bucketer::State {
  std::int64_t interval_seconds = 10;
  std::uint64_t pages = 0;
  std::optional<std::int64_t> last_sealed_seconds;
  std::int64_t next_sweep_seconds = 0;
  std::map<std::string, NodeState> nodes;
  Groups groups;
  Group cluster{Member{}};
  std::map<std::int64_t, OpenBucket> open;  // by start

  NodeState& Node(const std::string& name);
  PodState& Pod(NodeState& node, const std::shared_ptr<const PodKey>& key);
  static bool IsShadowed(const PodState& pod, const PodReading& reading, const TargetReading& page);
  void SetMember(PodState& pod, MemberPtr member);
  static void Touch(PodState& pod, std::int64_t bucket_seconds);
  [[nodiscard]] bool IsInOrder(const NodeState& node, std::int64_t at_ms) const;
  void Identify(PodState& pod, const NodeState& node, const std::shared_ptr<const PodKey>& key);
  std::optional<std::int64_t> BeginScrape(PodState& pod, const NodeState& node, const PodReading& reading,
                                          std::int64_t bucket_seconds) const;
  std::size_t AddPods(NodeState& node, OpenBucket& bucket, std::int64_t bucket_seconds, std::int64_t at_ms,
                      bool in_order, const TargetReading& page);
  void Sweep(std::int64_t bucket_seconds);
};

NodeState& Bucketer::State::Node(const std::string& name) {
  NodeState& node = nodes[name];
  if (!node.member) node.member = std::make_shared<const Member>(Member{Kind::kNode, name, {}, {}, {}});
  return node;
}

PodState& Bucketer::State::Pod(NodeState& node, const std::shared_ptr<const PodKey>& key) {
  if (const auto found = node.by_key.find(key.get()); found != node.by_key.end()) return *found->second;
  return node.pods[{key->ns, key->pod}];
}

// While a pod is replaced by one of the same name, a page may show both: the known one is followed until it goes.
bool Bucketer::State::IsShadowed(const PodState& pod, const PodReading& reading, const TargetReading& page) {
  if (pod.uid.empty() || reading.key->uid.empty() || pod.uid == reading.key->uid) return false;
  return std::any_of(page.pods.begin(), page.pods.end(), [&](const PodReading& other) {
    return other.key->uid == pod.uid && other.key->pod == reading.key->pod && other.key->ns == reading.key->ns;
  });
}

void Bucketer::State::SetMember(PodState& pod, MemberPtr member) {
  pod.member = std::move(member);
  pod.ns = pod.member->ns.empty() ? nullptr : &groups.Namespace(pod.member->ns);
  pod.deployment =
      pod.member->deployment.empty() ? nullptr : &groups.Deployment(pod.member->ns, pod.member->deployment);
}

void Bucketer::State::Touch(PodState& pod, std::int64_t bucket_seconds) {
  pod.last_bucket_seconds = std::max(pod.last_bucket_seconds, bucket_seconds);
  if (pod.ns != nullptr) pod.ns->Touch(bucket_seconds);
  if (pod.deployment != nullptr) pod.deployment->Touch(bucket_seconds);
}

bool Bucketer::State::IsInOrder(const NodeState& node, std::int64_t at_ms) const {
  const bool later = at_ms > node.at_ms - node.uncertainty_ms;
  return later || at_ms < node.at_ms - kSlowestScrapeMs - 2000 * interval_seconds;
}

// Takes over what a new key object says. A deployment once known stays while the pod is the same: what is missing from
// a page is a source that failed for a while.
void Bucketer::State::Identify(PodState& pod, const NodeState& node, const std::shared_ptr<const PodKey>& key) {
  const bool same_pod = pod.uid.empty() || key->uid.empty() || pod.uid == key->uid;
  std::string deployment = key->deployment;
  if (pod.member && same_pod && deployment.empty()) deployment = pod.member->deployment;
  if (!pod.member || pod.member->deployment != deployment) {
    SetMember(pod, std::make_shared<const Member>(
                       Member{Kind::kPod, node.member->node, key->ns, std::move(deployment), key->pod}));
  }
  if (!key->uid.empty()) pod.uid = key->uid;
  pod.key = key;
}

// Forgets what no longer counts and says since when the pod's counters count from 0, where that is known.
std::optional<std::int64_t> Bucketer::State::BeginScrape(PodState& pod, const NodeState& node,
                                                         const PodReading& reading, std::int64_t bucket_seconds) const {
  const std::int64_t last_ms = pod.counters.at_ms;
  const bool forgotten = bucket_seconds - pod.last_bucket_seconds > kForgetCountersSeconds;
  const bool recreated = !pod.uid.empty() && !reading.key->uid.empty() && pod.uid != reading.key->uid;
  if (last_ms != 0 && !forgotten && !recreated) return std::nullopt;
  pod.counters = PodCounters{};

  std::optional<std::int64_t> start_ms;
  constexpr double kFarFutureSeconds = 1e12;  // nonsense (and NaN) is no start time
  if (const double start = reading.start_time_seconds.value_or(-1); start >= 0 && start < kFarFutureSeconds) {
    start_ms = static_cast<std::int64_t>(start * 1000);
  }
  if (recreated && last_ms != 0 && !forgotten) return std::max(last_ms, start_ms.value_or(last_ms));
  if (start_ms && node.at_ms != 0 && *start_ms > node.at_ms + node.uncertainty_ms) return start_ms;
  return std::nullopt;
}

// Returns how many pods the page has.
std::size_t Bucketer::State::AddPods(NodeState& node, OpenBucket& bucket, std::int64_t bucket_seconds,
                                     std::int64_t at_ms, bool in_order, const TargetReading& page) {
  const std::size_t before = bucket.pods.size();
  bucket.pods.reserve(before + page.pods.size());
  ++pages;
  for (const PodReading& reading : page.pods) {
    PodState& pod = Pod(node, reading.key);
    if (pod.last_page == pages || IsShadowed(pod, reading, page)) continue;
    pod.last_page = pages;
    std::optional<std::int64_t> zero_at_ms;
    if (in_order) zero_at_ms = BeginScrape(pod, node, reading, bucket_seconds);
    if (pod.key != reading.key && (in_order || !pod.member)) {  // an older page does not undo what a newer one said
      node.by_key.erase(pod.key.get());
      Identify(pod, node, reading.key);
      node.by_key[pod.key.get()] = &pod;
    }
    Touch(pod, bucket_seconds);
    bucket.pods.push_back(
        {&pod, in_order ? AdvancePod(pod.counters, reading, at_ms, zero_at_ms) : Update{PodGauges(reading), {}}});
  }
  return bucket.pods.size() - before;
}

void Bucketer::State::Sweep(std::int64_t bucket_seconds) {
  if (bucket_seconds < next_sweep_seconds && bucket_seconds >= next_sweep_seconds - kSweepSeconds) return;
  next_sweep_seconds = bucket_seconds + kSweepSeconds;
  for (auto& [name, node] : nodes) {
    std::erase_if(node.pods, [&node = node, bucket_seconds](const auto& item) {
      const PodState& pod = item.second;
      if (bucket_seconds - pod.last_bucket_seconds <= kForgetCountersSeconds) return false;
      node.by_key.erase(pod.key.get());
      return true;
    });
  }
  std::erase_if(nodes, [bucket_seconds](const auto& item) {
    return bucket_seconds - item.second.last_bucket_seconds > kForgetGroupSeconds && item.second.pods.empty();
  });
  groups.Forget(bucket_seconds - kForgetGroupSeconds);
}

Bucketer::Bucketer(std::int64_t interval_seconds) : state_(std::make_unique<State>()) {
  state_->interval_seconds = interval_seconds;
}
Bucketer::~Bucketer() = default;

void Bucketer::Restore(const std::vector<std::pair<std::int64_t, Entry>>& last_entries) {
  State& state = *state_;
  // When in its bucket a member was scraped is not stored: the middle, give or take half an interval.
  const std::int64_t half_ms = state.interval_seconds * 500;
  for (const auto& [bucket_seconds, entry] : last_entries) {
    const MemberPtr& member = entry.member;
    const std::int64_t at_ms = bucket_seconds * 1000 + half_ms;
    if (member->kind == Kind::kNode) {
      NodeState& node = state.Node(member->node);
      if (node.at_ms >= at_ms) continue;
      node.member = member;
      node.last_bucket_seconds = bucket_seconds;
      node.at_ms = at_ms;
      node.uncertainty_ms = half_ms;
      node.counters = RestoreNode(entry.point, at_ms, half_ms);
    } else if (member->kind == Kind::kPod) {
      PodState& pod = state.Node(member->node).pods[{member->ns, member->pod}];
      if (pod.counters.at_ms >= at_ms) continue;
      state.SetMember(pod, member);
      State::Touch(pod, bucket_seconds);
      pod.counters = RestorePod(entry.point, at_ms, half_ms);
    } else if (member->kind == Kind::kCluster) {
      state.cluster.Restore(member, entry.point, bucket_seconds);
    } else {
      Group& group = member->kind == Kind::kNamespace ? state.groups.Namespace(member->ns)
                                                      : state.groups.Deployment(member->ns, member->deployment);
      group.Restore(member, entry.point, bucket_seconds);
    }
  }
}

void Bucketer::Add(const std::string& node_name, std::int64_t bucket_seconds, std::int64_t scraped_at_ms,
                   const TargetReading& reading) {
  State& state = *state_;
  if (state.last_sealed_seconds && bucket_seconds <= *state.last_sealed_seconds) return;  // too late for any entry
  OpenBucket& bucket = state.open[bucket_seconds];
  NodeState& node = state.Node(node_name);
  if (!bucket.node_states.insert(&node).second) return;

  const bool in_order = state.IsInOrder(node, scraped_at_ms);
  const std::size_t pods = state.AddPods(node, bucket, bucket_seconds, scraped_at_ms, in_order, reading);
  Point point =
      in_order ? AdvanceNode(node.counters, reading.node_reading, scraped_at_ms) : NodeGauges(reading.node_reading);
  point.Set(Field::kPods, static_cast<std::int64_t>(pods));
  bucket.nodes.push_back({node.member, point});
  node.last_bucket_seconds = std::max(node.last_bucket_seconds, bucket_seconds);
  if (!in_order) return;
  node.at_ms = scraped_at_ms;  // last: what pods compare their start with is the scrape before this one
  node.uncertainty_ms = 0;
}

Bucket Bucketer::Seal(std::int64_t bucket_seconds, std::size_t nodes_missing) {
  State& state = *state_;
  OpenBucket sealed;
  if (auto node = state.open.extract(bucket_seconds)) sealed = std::move(node.mapped());
  state.open.erase(state.open.begin(), state.open.lower_bound(bucket_seconds));
  state.last_sealed_seconds = bucket_seconds;

  const std::size_t nodes = sealed.nodes.size();
  std::vector<Group*> groups;
  Bucket out{bucket_seconds, std::move(sealed.nodes)};
  out.entries.reserve(nodes + sealed.pods.size() + sealed.pods.size() / 4 + 1);
  for (const PodUpdate& item : sealed.pods) {
    for (Group* group : {item.pod->ns, item.pod->deployment}) {
      if (group != nullptr && group->Add(item.update, bucket_seconds)) groups.push_back(group);
    }
    state.cluster.Add(item.update, bucket_seconds);
    out.entries.push_back({item.pod->member, item.update.point});
  }
  for (Group* group : groups) out.entries.push_back({group->member(), group->Finish()});

  Point cluster = state.cluster.Finish();
  if (nodes > 0 && sealed.pods.empty()) cluster.Set(Field::kPods, 0);
  cluster.Set(Field::kNodes, static_cast<std::int64_t>(nodes));
  cluster.Set(Field::kNodesMissing, static_cast<std::int64_t>(nodes_missing));
  out.entries.push_back({state.cluster.member(), cluster});
  state.Sweep(bucket_seconds);
  return out;
}

}  // namespace cloudmon::series
