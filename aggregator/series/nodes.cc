// SPDX-License-Identifier: Apache-2.0
#include "aggregator/series/nodes.h"

#include <algorithm>
#include <cstddef>
#include <tuple>
#include <utility>

namespace cloudmon::series {
namespace {

// A scrape may be this much older than the last of its node, and two intervals, because it was slow. One that is older
// still means that the clock was set back.
constexpr std::int64_t kSlowestScrapeMs = 60'000;

// A pod that was created anew under the same name.
bool IsAnother(const PodState& pod, const PodKey& key) {
  return pod.known && !key.uid.empty() && pod.known->uid != key.uid;
}

// While a pod is replaced by one of the same name, a page may show both: the known one is followed until it goes.
class Shadows {
 public:
  explicit Shadows(const TargetReading& page) : page_(page) {}

  // Whether the page shows the known pod too.
  bool Hide(const PodState& pod, const PodReading& reading) {
    if (!IsAnother(pod, *reading.key)) return false;
    if (names_.empty()) {  // most pages need none
      for (const PodReading& other : page_.pods) names_.push_back(NameOf(*other.key, other.key->uid));
      std::sort(names_.begin(), names_.end());
    }
    return std::binary_search(names_.begin(), names_.end(), NameOf(*reading.key, pod.known->uid));
  }

 private:
  using Name = std::tuple<std::string_view, std::string_view, std::string_view>;
  static Name NameOf(const PodKey& key, std::string_view uid) { return {uid, key.ns, key.pod}; }

  const TargetReading& page_;
  std::vector<Name> names_;  // of all its pods, sorted
};

void Touch(PodState& pod, std::int64_t bucket_seconds) {
  pod.last_bucket_seconds = std::max(pod.last_bucket_seconds, bucket_seconds);
  if (pod.ns != nullptr) pod.ns->Touch(bucket_seconds);
  if (pod.deployment != nullptr) pod.deployment->Touch(bucket_seconds);
}

bool IsForgotten(std::int64_t last_bucket_seconds, std::int64_t bucket_seconds) {
  return bucket_seconds - last_bucket_seconds > kForgetCountersSeconds;
}

// The node was seen without it. (A node that is not seen says nothing of its pods.)
bool HasEnded(const NodeState& node, const PodState& pod, std::int64_t bucket_seconds) {
  return pod.last_bucket_seconds < std::min(node.last_bucket_seconds, bucket_seconds);
}

void ForgetOrder(NodeState& node) {
  node.first = nullptr;
  for (const auto& pod : node.pods) pod->next = nullptr;
}

// Forgets what no longer counts and says since when the pod's counters count from 0, where that is known.
std::optional<std::int64_t> BeginScrape(PodState& pod, const NodeState& node, const PodReading& reading,
                                        std::int64_t bucket_seconds) {
  const std::int64_t last_ms = pod.counters.at_ms;
  const bool forgotten = IsForgotten(pod.last_bucket_seconds, bucket_seconds);
  const bool recreated = IsAnother(pod, *reading.key);
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

}  // namespace

NodeState& Nodes::Find(const std::string& name) {
  NodeState& node = nodes_[name];
  if (!node.member) node.member = std::make_shared<const Member>(Member{Kind::kNode, name, {}, {}, {}});
  return node;
}

bool Nodes::IsInOrder(const NodeState& node, std::int64_t at_ms) const {
  const bool later = at_ms > node.at_ms - node.uncertainty_ms;
  return later || at_ms < node.at_ms - kSlowestScrapeMs - 2000 * interval_seconds_;
}

void Nodes::SetMember(PodState& pod, MemberPtr member) {
  pod.member = std::move(member);
  pod.ns = pod.member->ns.empty() ? nullptr : &groups_.Namespace(pod.member->ns);
  pod.deployment =
      pod.member->deployment.empty() ? nullptr : &groups_.Deployment(pod.member->ns, pod.member->deployment);
}

PodState& Nodes::FindPod(NodeState& node, const MemberPtr& member) {
  const auto found = node.pods.find(ByName::Name(member->ns, member->pod));
  if (found != node.pods.end()) return **found;
  auto pod = std::make_unique<PodState>();
  SetMember(*pod, member);
  return **node.pods.insert(std::move(pod)).first;
}

PodState& Nodes::FindPod(NodeState& node, const std::shared_ptr<const PodKey>& key) {
  const auto found = node.pods.find(ByName::Name(key->ns, key->pod));
  if (found != node.pods.end()) return **found;
  auto pod = std::make_unique<PodState>();
  Identify(*pod, node, key);
  return **node.pods.insert(std::move(pod)).first;
}

// Takes over what a new key object says. A deployment once known stays while the pod is the same: what is missing from
// a page is a source that failed for a while.
void Nodes::Identify(PodState& pod, const NodeState& node, const std::shared_ptr<const PodKey>& key) {
  std::string deployment(key->deployment);
  if (pod.member && deployment.empty() && !IsAnother(pod, *key)) deployment = pod.member->deployment;
  if (!pod.member || pod.member->deployment != deployment) {
    SetMember(pod, std::make_shared<const Member>(Member{Kind::kPod, node.member->node, std::string(key->ns),
                                                         std::move(deployment), std::string(key->pod)}));
  }
  if (!key->uid.empty()) pod.known = key;
  pod.key = key;
}

void Nodes::AddPods(NodeState& node, std::int64_t bucket_seconds, std::int64_t at_ms, bool in_order,
                    const TargetReading& page, std::vector<PodUpdate>& out) {
  out.reserve(page.pods.size());
  PodState** place = &node.first;
  Shadows shadows(page);
  for (const PodReading& reading : page.pods) {
    if (*place == nullptr || (*place)->key != reading.key) *place = &FindPod(node, reading.key);
    PodState& pod = **place;
    place = &pod.next;
    if (pod.last_page == pages_ || shadows.Hide(pod, reading)) continue;
    pod.last_page = pages_;
    std::optional<std::int64_t> zero_at_ms;
    if (in_order) zero_at_ms = BeginScrape(pod, node, reading, bucket_seconds);
    // An older page does not undo what a newer one said.
    if (in_order && pod.key != reading.key) Identify(pod, node, reading.key);
    Touch(pod, bucket_seconds);
    PodUpdate& update = out.emplace_back();
    update.pod = &pod;
    if (in_order) {
      update.update = AdvancePod(pod.counters, reading, at_ms, zero_at_ms);
    } else {
      update.update.point = PodGauges(reading);
    }
  }
}

void Nodes::AddGroups(NodeState& node, std::int64_t bucket_seconds, std::int64_t at_ms, bool in_order,
                      const TargetReading& page, std::vector<GroupUpdate>& out) {
  for (const GroupReading& reading : page.groups) {
    if (reading.ns.empty()) continue;
    GroupState& state = node.groups[{reading.ns, reading.deployment}];
    if (state.last_page == pages_) continue;
    state.last_page = pages_;
    Group& group =
        reading.deployment.empty() ? groups_.Namespace(reading.ns) : groups_.Deployment(reading.ns, reading.deployment);
    if (in_order && IsForgotten(state.last_bucket_seconds, bucket_seconds)) state.counters = PodCounters{};
    state.last_bucket_seconds = std::max(state.last_bucket_seconds, bucket_seconds);
    group.Touch(bucket_seconds);
    PodReading as_pod;
    as_pod.usage = reading.usage;
    out.push_back(
        {&group, in_order ? AdvancePod(state.counters, as_pod, at_ms, std::nullopt) : Update{PodGauges(as_pod), {}}});
  }
}

Updates Nodes::Take(NodeState& node, std::int64_t bucket_seconds, std::int64_t at_ms, bool in_order,
                    const TargetReading& reading) {
  ++pages_;
  Updates out;
  AddPods(node, bucket_seconds, at_ms, in_order, reading, out.pods);
  AddGroups(node, bucket_seconds, at_ms, in_order, reading, out.groups);
  Point point = in_order ? AdvanceNode(node.counters, reading.node_reading, at_ms) : NodeGauges(reading.node_reading);
  point.Set(Field::kPods, static_cast<std::int64_t>(out.pods.size()));
  out.node = {node.member, point};
  node.last_bucket_seconds = std::max(node.last_bucket_seconds, bucket_seconds);
  if (!in_order) return out;
  node.at_ms = at_ms;  // last: what pods compare their start with is the scrape before this one
  node.uncertainty_ms = 0;
  return out;
}

void Nodes::Restore(std::int64_t bucket_seconds, const Entry& entry) {
  // When in its bucket a member was scraped is not stored: the middle, give or take half an interval.
  const std::int64_t half_ms = interval_seconds_ * 500;
  const std::int64_t at_ms = bucket_seconds * 1000 + half_ms;
  const MemberPtr& member = entry.member;
  NodeState& node = Find(member->node);
  if (member->kind == Kind::kNode) {
    const NodeCounters restored = RestoreNode(entry.point, at_ms, half_ms);
    for (std::size_t i = 0; i < kCounterCount; ++i) {
      const CounterState& counter = restored.counters[i];
      if (!counter.seen || node.counters.counters[i].at_ms >= counter.at_ms) continue;
      node.counters.counters[i] = counter;
      node.counters.totals[i] = restored.totals[i];
    }
    if (node.at_ms >= at_ms) return;
    node.member = member;
    node.last_bucket_seconds = bucket_seconds;
    node.at_ms = at_ms;
    node.uncertainty_ms = half_ms;
  } else {
    PodState& pod = FindPod(node, member);
    if (pod.counters.at_ms >= at_ms) return;
    SetMember(pod, member);
    Touch(pod, bucket_seconds);
    pod.counters = RestorePod(entry.point, at_ms, half_ms);
  }
}

void Nodes::Sweep(std::int64_t bucket_seconds) {
  std::vector<std::int64_t> ended;
  for (const auto& [name, node] : nodes_) {
    for (const auto& pod : node.pods) {
      if (HasEnded(node, *pod, bucket_seconds)) ended.push_back(pod->last_bucket_seconds);
    }
  }
  const std::int64_t keep_from = KeepFrom(std::move(ended), kMaxEndedPods, 0);
  for (auto& [name, node] : nodes_) {
    const std::size_t erased = std::erase_if(node.pods, [&, &node = node](const auto& pod) {
      return IsForgotten(pod->last_bucket_seconds, bucket_seconds) ||
             (HasEnded(node, *pod, bucket_seconds) && pod->last_bucket_seconds < keep_from);
    });
    if (erased > 0) ForgetOrder(node);
    std::erase_if(node.groups, [bucket_seconds](const auto& item) {
      return IsForgotten(item.second.last_bucket_seconds, bucket_seconds);
    });
  }
  SweepNodes(bucket_seconds);
}

void Nodes::SweepNodes(std::int64_t bucket_seconds) {
  const auto is_silent = [bucket_seconds](const NodeState& node) {
    return node.pods.empty() && IsForgotten(node.last_bucket_seconds, bucket_seconds);
  };
  std::vector<std::int64_t> silent;
  for (const auto& [name, node] : nodes_) {
    if (is_silent(node)) silent.push_back(node.last_bucket_seconds);
  }
  const std::int64_t keep_from = KeepFrom(std::move(silent), kMaxEndedNodes, bucket_seconds - kForgetGroupSeconds);
  std::erase_if(
      nodes_, [&](const auto& item) { return is_silent(item.second) && item.second.last_bucket_seconds < keep_from; });
}

std::size_t Nodes::pod_count() const {
  std::size_t count = 0;
  for (const auto& [name, node] : nodes_) count += node.pods.size();
  return count;
}

}  // namespace cloudmon::series
