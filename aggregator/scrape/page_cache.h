// SPDX-License-Identifier: Apache-2.0
// What is known of a target's series from its earlier pages, so that one whose head did not change costs a comparison
// of its bytes instead of parsing its labels. Pure. One thread at a time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <memory_resource>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "aggregator/scrape/series_role.h"
#include "aggregator/series/reading.h"
#include "common/exposition/parser.h"
#include "common/result.h"

namespace cloudmon::scrape {

// The values that one owner (pod, container, node) got in the page with number `page`.
class Totals {
 public:
  void Take(std::uint32_t page, Quantity quantity, double value) {
    if (page_ != page) {
      page_ = page;
      mask_ = 0;
    }
    const auto i = static_cast<std::size_t>(quantity);
    if (!Has(page, quantity)) {
      values_[i] = value;
      mask_ |= 1U << i;
    } else if (AddsUp(quantity)) {
      values_[i] += value;
    }
  }
  [[nodiscard]] bool Has(std::uint32_t page, Quantity quantity) const {
    return page_ == page && (mask_ >> static_cast<unsigned>(quantity) & 1U) != 0;
  }
  [[nodiscard]] double Get(Quantity quantity) const { return values_[static_cast<std::size_t>(quantity)]; }

 private:
  std::uint32_t page_ = 0, mask_ = 0;
  std::array<double, kQuantityCount> values_{};
};

struct Instance {  // one cgroup, or network namespace, that a page calls by this container name
  std::string id;
  Totals totals;
};

struct Container {
  std::string name;
  std::vector<std::uint32_t> instances;  // indexes into PageCache::instances, oldest first
};

struct Pod {
  std::string ns, name;
  std::shared_ptr<const series::PodKey> key;  // of the last reading; may be null
  std::vector<Container> containers;          // with "" and "POD"
  Totals totals;                              // of pod_* series
  std::uint32_t page = 0;                     // in which it was seen last
  std::uint32_t identity = 0;                 // index into PageCache::identities, of that page
  bool has_info = false;                      // `identity` comes from cloudmon_pod_info
};

struct Identity {
  std::string deployment, uid;
};

// A head and what to do with its value.
struct CachedSeries {
  Scope scope = Scope::kIgnored;
  Quantity quantity = Quantity::kNothing;
  std::uint32_t page = 0;      // in which it was seen last
  std::uint32_t pod = 0;       // kPod, kPodInfo, kContainer
  std::uint32_t owner = 0;     // kContainer: the instance; kNodeCpu: the cpu; kNodeInfo: the node name
  std::uint32_t identity = 0;  // kPod, kPodInfo, kContainer
  std::pair<const std::string_view, CachedSeries>* next = nullptr;  // the one that followed it in the last page
};
using CachedHead = std::pair<const std::string_view, CachedSeries>;

struct PageCache {
  PageCache() = default;
  PageCache(const PageCache&) = delete;
  PageCache& operator=(const PageCache&) = delete;

  // The series with this head, or null.
  CachedHead* Find(std::string_view head);
  // Parses a head not seen before and remembers it. Errors as ParseHead.
  Result<CachedHead*> Add(const MetricUse& use, std::string_view head, const exposition::HeadLimits& limits);

  // Takes over the PodKeys of the cache that this one replaces.
  void KeepKeys(const PageCache& old);

  std::pmr::monotonic_buffer_resource memory;  // heads and their nodes: given back with the whole cache
  std::pmr::unordered_map<std::string_view, CachedSeries> heads{&memory};
  CachedHead first;  // its `next` is the first series of the last page
  std::vector<Pod> pods;
  std::vector<Instance> instances;
  std::vector<Identity> identities{Identity{}};
  std::vector<std::string> node_names;
  std::vector<std::uint32_t> cpu_pages;  // in which each cpu was seen last
  Totals node, machine;

 private:
  std::uint32_t PodIndex(const SeriesRole& role);
  std::uint32_t InstanceIndex(Pod& pod, const SeriesRole& role);
  std::uint32_t IdentityIndex(const SeriesRole& role);
  void SetOwner(const SeriesRole& role, CachedSeries& series);

  std::map<std::pair<std::string, std::string>, std::uint32_t> pod_indexes_;       // by namespace and name
  std::map<std::pair<std::string, std::string>, std::uint32_t> identity_indexes_;  // by deployment and uid
  std::map<std::string, std::uint32_t> cpu_indexes_;
};

}  // namespace cloudmon::scrape
