// SPDX-License-Identifier: Apache-2.0
#include "aggregator/scrape/page_cache.h"

#include <algorithm>
#include <cstring>

namespace cloudmon::scrape {
namespace {

template <class T>
std::uint32_t NextIndex(const std::vector<T>& items) {
  return static_cast<std::uint32_t>(items.size());
}

}  // namespace

CachedHead* PageCache::Find(std::string_view head) {
  const auto found = heads.find(head);
  return found == heads.end() ? nullptr : &*found;
}

Result<CachedHead*> PageCache::Add(const MetricUse& use, std::string_view head, const exposition::HeadLimits& limits) {
  const auto parsed = exposition::ParseHead(head, limits);
  if (!parsed.ok()) return parsed.error();
  const SeriesRole role = RoleOf(use, parsed.value());
  CachedSeries series{.scope = role.scope, .quantity = role.quantity};
  SetOwner(role, series);
  auto* bytes = static_cast<char*>(memory.allocate(head.size(), 1));
  std::memcpy(bytes, head.data(), head.size());
  return &*heads.emplace(std::string_view(bytes, head.size()), series).first;
}

void PageCache::KeepKeys(const PageCache& old) {
  for (Pod& pod : pods) {
    const auto found = old.pod_indexes_.find({pod.ns, pod.name});
    if (found != old.pod_indexes_.end()) pod.key = old.pods[found->second].key;
  }
}

void PageCache::SetOwner(const SeriesRole& role, CachedSeries& series) {
  if (role.scope == Scope::kPod || role.scope == Scope::kPodInfo || role.scope == Scope::kContainer) {
    series.pod = PodIndex(role);
    series.identity = IdentityIndex(role);
    if (role.scope == Scope::kContainer) series.owner = InstanceIndex(pods[series.pod], role);
  } else if (role.scope == Scope::kNodeCpu) {
    const auto [at, is_new] = cpu_indexes_.try_emplace(role.cpu, NextIndex(cpu_pages));
    if (is_new) cpu_pages.push_back(0);
    series.owner = at->second;
  } else if (role.scope == Scope::kNodeInfo) {
    series.owner = NextIndex(node_names);
    node_names.push_back(role.node);
  }
}

std::uint32_t PageCache::PodIndex(const SeriesRole& role) {
  const auto [at, is_new] = pod_indexes_.try_emplace({role.ns, role.pod}, NextIndex(pods));
  if (is_new) {
    pods.emplace_back();
    pods.back().ns = role.ns;
    pods.back().name = role.pod;
  }
  return at->second;
}

std::uint32_t PageCache::InstanceIndex(Pod& pod, const SeriesRole& role) {
  auto container = std::ranges::find(pod.containers, role.container, &Container::name);
  if (container == pod.containers.end()) container = pod.containers.insert(container, {role.container, {}});
  for (const std::uint32_t index : container->instances) {
    if (instances[index].id == role.instance) return index;
  }
  container->instances.push_back(NextIndex(instances));
  instances.push_back({role.instance, {}});
  return container->instances.back();
}

std::uint32_t PageCache::IdentityIndex(const SeriesRole& role) {
  if (role.deployment.empty() && role.uid.empty()) return 0;
  const auto [at, is_new] = identity_indexes_.try_emplace({role.deployment, role.uid}, NextIndex(identities));
  if (is_new) identities.push_back({role.deployment, role.uid});
  return at->second;
}

}  // namespace cloudmon::scrape
