// SPDX-License-Identifier: Apache-2.0
#include "aggregator/series/amendment.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <tuple>
#include <utility>

#include "aggregator/series/counter.h"
#include "aggregator/series/rollup.h"

namespace cloudmon::series {
namespace {

// Names are views into members, all of which live until the end of Apply().
using PodName = std::pair<std::string_view, std::string_view>;           // namespace, pod
using GroupName = std::tuple<Kind, std::string_view, std::string_view>;  // kind, namespace, deployment
using Sums = std::map<GroupName, Point>;                                 // gauges, rates and pods
const GroupName kClusterName{Kind::kCluster, {}, {}};

struct NodeEntries {
  std::optional<Entry> node;
  std::map<PodName, Entry> pods;
};

GroupName NameOf(const Member& group) {
  return {group.kind, group.ns, group.deployment};
}

void AddPod(Sums& sums, const Entry& pod) {
  const Member& m = *pod.member;
  auto add = [&](const GroupName& name) {
    AddSummedFields(sums[name], pod.point);
    sums[name].Add(Field::kPods, 1);
  };
  if (!m.ns.empty()) add({Kind::kNamespace, m.ns, {}});
  if (!m.deployment.empty()) add({Kind::kDeployment, m.ns, m.deployment});
  add(kClusterName);
}

// A bucket taken apart: the nodes that change, the groups, and the rest.
class Parts {
 public:
  Parts(const std::vector<Amendment>& amendments, Bucket& bucket) {
    for (const Amendment& amendment : amendments) nodes_[amendment.node.member->node];
    for (Entry& entry : bucket.entries) Sort(std::move(entry));
    for (const Amendment& amendment : amendments) Replace(amendment);
    for (const auto& [name, node] : nodes_) {
      for (const auto& [pod_name, pod] : node.pods) AddPod(after_, pod);
    }
    UpdateGroups();
    UpdateCluster();
    for (const Amendment& amendment : amendments) ShowTotals(amendment);
  }

  std::vector<Entry> Join() && {
    for (auto& [name, node] : nodes_) {
      if (node.node) rest_.push_back(std::move(*node.node));
      for (auto& [pod_name, pod] : node.pods) rest_.push_back(std::move(pod));
    }
    for (auto& [name, group] : groups_) rest_.push_back(std::move(group));
    return std::move(rest_);
  }

 private:
  void Sort(Entry entry) {
    const Member& m = *entry.member;
    if (m.kind == Kind::kPod) AddPod(before_, entry);
    if (m.kind == Kind::kNode) ++node_count_;
    if (m.kind != Kind::kPod && m.kind != Kind::kNode) {
      groups_.emplace(NameOf(m), std::move(entry));
      return;
    }
    const auto node = nodes_.find(m.node);
    if (node == nodes_.end()) {
      if (m.kind == Kind::kPod) AddPod(after_, entry);
      rest_.push_back(std::move(entry));
      return;
    }
    kept_alive_.push_back(entry.member);
    if (m.kind == Kind::kNode) {
      node->second.node = std::move(entry);
    } else {
      node->second.pods.emplace(PodName(m.ns, m.pod), std::move(entry));
    }
  }

  // What was stored stays, but for the gauges of `next`.
  static Entry TakeGauges(const Entry& stored, const Entry& next) {
    Entry out{stored.member, next.point};
    for (const CounterFields& fields : kCounterFields) {
      if (!stored.point.Has(fields.total)) continue;
      out.point.Set(fields.total, stored.point.Get(fields.total));
      if (stored.point.Has(fields.rate)) out.point.Set(fields.rate, stored.point.Get(fields.rate));
    }
    return out;
  }

  void Replace(const Amendment& amendment) {
    NodeEntries& stored = nodes_.at(amendment.node.member->node);
    if (!stored.node) AddNode(amendment);
    stored.node = stored.node && !amendment.in_order ? TakeGauges(*stored.node, amendment.node) : amendment.node;
    std::map<PodName, Entry> pods;
    for (const Entry& pod : amendment.pods) {
      const PodName name(pod.member->ns, pod.member->pod);
      const auto old = stored.pods.find(name);
      const bool keep = !amendment.in_order && old != stored.pods.end();
      pods.emplace(name, keep ? TakeGauges(old->second, pod) : pod);
    }
    stored.pods = std::move(pods);
  }

  void AddNode(const Amendment& amendment) {
    ++node_count_;
    if (amendment.was_missing) ++no_longer_missing_;
    for (const Entry& group : amendment.groups) {
      AddShare(NameOf(*group.member), group.point);
      if (group.member->kind == Kind::kNamespace) AddShare(kClusterName, group.point);
    }
  }

  void AddShare(const GroupName& name, const Point& point) {
    AddSummedFields(shares_[name], point);
    shares_[name].Add(Field::kPods, 0);
  }

  Entry& Group(const GroupName& name) {
    const auto found = groups_.find(name);
    if (found != groups_.end()) return found->second;
    const auto& [kind, ns, deployment] = name;
    Entry entry{std::make_shared<const Member>(Member{kind, {}, std::string(ns), std::string(deployment), {}}), {}};
    const GroupName own_name = NameOf(*entry.member);
    return groups_.emplace(own_name, std::move(entry)).first->second;
  }

  void UpdateGroups() {
    std::set<GroupName> names;
    for (const Sums* sums : {&before_, &after_, &shares_}) {
      for (const auto& [name, sum] : *sums) names.insert(name);
    }
    for (const GroupName& name : names) {
      const Point before = before_[name];
      const Point after = after_[name];
      const Point share = shares_[name];
      if (before == after && share.empty()) continue;
      Point& point = Group(name).point;
      bool any = name == kClusterName;
      auto change = [&](Field field) {
        // What neither the pods nor this amendment account for: documents without pods.
        const std::int64_t rest = std::max<std::int64_t>(0, point.Get(field) - before.Get(field));
        if (rest == 0 && !after.Has(field) && !share.Has(field)) return point.Clear(field);
        any = true;
        auto sum = static_cast<std::uint64_t>(rest);
        for (const Point* more : {&after, &share}) {
          sum = SaturatingAdd(sum, static_cast<std::uint64_t>(more->Get(field)));
        }
        point.Set(field, ToValue(sum));
      };
      change(Field::kPods);
      for (const Field field : kSummedFields) change(field);
      if (!any)
        groups_.erase(name);
      else if (!point.Has(Field::kPods))
        point.Set(Field::kPods, 0);
    }
  }

  void UpdateCluster() {
    Point& point = Group(kClusterName).point;
    point.Set(Field::kNodes, node_count_);
    if (!point.Has(Field::kPods)) point.Set(Field::kPods, 0);
    if (!point.Has(Field::kNodesMissing)) return;
    point.Set(Field::kNodesMissing, std::max<std::int64_t>(0, point.Get(Field::kNodesMissing) - no_longer_missing_));
  }

  void ShowTotals(const Amendment& amendment) {
    for (const Entry& group : amendment.totals) {
      const auto found = groups_.find(NameOf(*group.member));
      if (found == groups_.end()) continue;
      for (const CounterFields& fields : kCounterFields) {
        if (!group.point.Has(fields.total)) continue;
        Point& point = found->second.point;
        point.Set(fields.total, std::max(point.Get(fields.total), group.point.Get(fields.total)));
      }
    }
  }

  std::map<std::string_view, NodeEntries> nodes_;
  std::map<GroupName, Entry> groups_;
  std::vector<Entry> rest_;
  std::vector<MemberPtr> kept_alive_;
  Sums before_, after_;  // of all pods
  Sums shares_;          // of documents without pods
  std::int64_t node_count_ = 0, no_longer_missing_ = 0;
};

}  // namespace

void Apply(const std::vector<Amendment>& amendments, Bucket& bucket) {
  bucket.entries = Parts(amendments, bucket).Join();
}

}  // namespace cloudmon::series
