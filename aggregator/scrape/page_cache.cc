// SPDX-License-Identifier: Apache-2.0
#include "aggregator/scrape/page_cache.h"

#include <limits>
#include <utility>

namespace cloudmon::scrape {
namespace {

template <class T>
std::uint32_t NextIndex(const std::vector<T>& items) {
  return static_cast<std::uint32_t>(items.size());
}

}  // namespace

Result<SeriesList::Index> PageCache::Add(const MetricUse& use, std::string_view head, const HeadHash& hash,
                                         const exposition::HeadLimits& limits) {
  const auto parsed = exposition::ParseHead(head, limits);
  if (!parsed.ok()) return parsed.error();
  const SeriesRole role = RoleOf(use, parsed.value());
  CachedSeries added{.hash = hash, .scope = role.scope, .quantity = role.quantity};
  const bool fits = head.size() <= std::numeric_limits<std::uint16_t>::max();
  added.head_bytes = fits ? static_cast<std::uint16_t>(head.size()) : std::uint16_t{0};
  SetOwner(role, added);
  ++added_;
  return series.Add(added);
}

void PageCache::EndPage() {
  series.EndPage();
  if (!places_) return;
  places_.reset();
  pods.shrink_to_fit();
  instances.shrink_to_fit();
  identities.shrink_to_fit();
  identity_text_.shrink_to_fit();
}

void PageCache::KeepKeys(const PageCache& old) {
  FillPlaces();
  for (const Pod& pod : old.pods) {
    const auto found = places_->find(HashOf(pod));
    if (found != places_->end()) pods[found->second].key = pod.key;
  }
}

HeadHash PageCache::HashOf(const Pod& pod) const {
  return hasher_({"pod", pod.key->ns, pod.key->pod});
}

void PageCache::FillPlaces() {
  if (places_) return;
  places_ = std::make_unique<Places>();
  const auto fill = [&](const auto& items, auto hash_of) {
    for (std::uint32_t i = 0; i < items.size(); ++i) places_->emplace(hash_of(items[i]), i);
  };
  fill(pods, [&](const Pod& pod) { return HashOf(pod); });
  fill(instances, [](const Instance& instance) { return instance.hash; });
  fill(containers, [&](const std::string& name) { return hasher_({"container", name}); });
  fill(identities, [&](const Identity& identity) {
    return hasher_({"identity", Deployment(identity), Uid(identity)});
  });
  fill(cpus, [](const HeadHash& hash) { return hash; });
}

void PageCache::SetOwner(const SeriesRole& role, CachedSeries& added) {
  FillPlaces();
  if (role.scope == Scope::kPod || role.scope == Scope::kPodInfo || role.scope == Scope::kContainer) {
    added.owner = PodIndex(role);
    added.identity = IdentityIndex(role);
    if (role.scope == Scope::kContainer) added.owner = InstanceIndex(added.owner, role);
  } else if (role.scope == Scope::kNodeCpu) {
    const HeadHash hash = hasher_({"cpu", role.cpu});
    const auto [at, is_new] = places_->try_emplace(hash, NextIndex(cpus));
    if (is_new) cpus.push_back(hash);
    added.owner = at->second;
  } else if (role.scope == Scope::kNodeInfo) {
    added.owner = NextIndex(node_names);
    node_names.push_back(role.node);
  }
}

std::uint32_t PageCache::PodIndex(const SeriesRole& role) {
  const auto [at, is_new] = places_->try_emplace(hasher_({"pod", role.ns, role.pod}), NextIndex(pods));
  if (is_new) pods.push_back({std::make_shared<series::PodKey>(role.ns, role.pod, "", "")});
  return at->second;
}

std::uint32_t PageCache::InstanceIndex(std::uint32_t pod_index, const SeriesRole& role) {
  Pod& pod = pods[pod_index];
  const HeadHash hash = hasher_({"instance", pod.key->ns, pod.key->pod, role.container, role.instance});
  const auto [at, is_new] = places_->try_emplace(hash, NextIndex(instances));
  if (!is_new) return at->second;
  instances.push_back(
      {hash, pod_index, ContainerIndex(role.container), static_cast<std::uint32_t>(role.instance.size())});
  const bool is_first = pod.first_instance == kNone;
  (is_first ? pod.first_instance : instances[pod.last_instance].next) = at->second;
  pod.last_instance = at->second;
  return at->second;
}

std::uint32_t PageCache::ContainerIndex(const std::string& name) {
  const auto [at, is_new] = places_->try_emplace(hasher_({"container", name}), NextIndex(containers));
  if (is_new) containers.push_back(name);
  return at->second;
}

std::uint32_t PageCache::IdentityIndex(const SeriesRole& role) {
  const HeadHash hash = hasher_({"identity", role.deployment, role.uid});
  const auto [at, is_new] = places_->try_emplace(hash, NextIndex(identities));
  if (!is_new) return at->second;
  const auto begin = static_cast<std::uint32_t>(identity_text_.size());
  identity_text_ += role.deployment;
  const auto middle = static_cast<std::uint32_t>(identity_text_.size());
  identity_text_ += role.uid;
  identities.push_back({begin, middle, static_cast<std::uint32_t>(identity_text_.size())});
  return at->second;
}

}  // namespace cloudmon::scrape
