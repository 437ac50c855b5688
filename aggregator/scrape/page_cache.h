// SPDX-License-Identifier: Apache-2.0
// What is known of a target's series from its earlier pages, so that one whose head did not change costs a hash of its
// bytes instead of parsing its labels. Kept small: there is one for each target. Pure. One thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "aggregator/scrape/head_hash.h"
#include "aggregator/scrape/series_list.h"
#include "aggregator/scrape/series_role.h"
#include "aggregator/series/reading.h"
#include "common/exposition/parser.h"
#include "common/result.h"

namespace cloudmon::scrape {

inline constexpr std::uint32_t kNone = 0xffff'ffff;

struct Pod {
  std::shared_ptr<const series::PodKey> key;  // of the last reading; never null
  std::uint32_t key_identity = kNone;         // the identity that `key` has; kNone: not known
  std::uint32_t first_instance = kNone, last_instance = kNone;
};

// One cgroup, or network namespace, that a page calls by this container name.
struct Instance {
  HeadHash hash;  // of its pod, container and id
  std::uint32_t pod;
  std::uint32_t container;     // index into PageCache::containers
  std::uint32_t id_bytes;      // length of its id
  std::uint32_t next = kNone;  // of the same pod, seen first after this one
};

// What a pod's labels may say beside its name, as parts of PageCache::identity_text.
struct Identity {
  std::uint32_t deployment_at = 0, uid_at = 0, end = 0;
};

class PageCache {
 public:
  static constexpr std::uint32_t kPodRow = 0, kPause = 1;  // the containers without a name and "POD"

  // `hasher` must outlive it.
  explicit PageCache(const HeadHasher& hasher) : hasher_(hasher) {}
  PageCache(const PageCache&) = delete;
  PageCache& operator=(const PageCache&) = delete;

  // Parses a head not seen before and remembers it. Errors as ParseHead.
  Result<SeriesList::Index> Add(const MetricUse& use, std::string_view head, const HeadHash& hash,
                                const exposition::HeadLimits& limits);
  // Frees what the page did not have, and what is needed only while heads are added.
  void EndPage();
  // Heads added, of which the last page may have few.
  [[nodiscard]] std::size_t added() const { return added_; }

  // Takes over the PodKeys of the cache that this one replaces.
  void KeepKeys(const PageCache& old);

  [[nodiscard]] std::string_view Deployment(const Identity& identity) const {
    return std::string_view(identity_text_).substr(identity.deployment_at, identity.uid_at - identity.deployment_at);
  }
  [[nodiscard]] std::string_view Uid(const Identity& identity) const {
    return std::string_view(identity_text_).substr(identity.uid_at, identity.end - identity.uid_at);
  }

  SeriesList series;
  std::vector<Pod> pods;
  std::vector<Instance> instances;
  std::vector<std::string> containers{"", "POD"};
  std::vector<Identity> identities{Identity{}};  // the first says nothing
  std::vector<HeadHash> cpus;
  std::vector<std::string> node_names;

 private:
  // Where an owner with this hash stands in its vector, while heads are added.
  struct FirstWord {
    std::size_t operator()(const HeadHash& hash) const { return hash[0]; }
  };
  using Places = std::unordered_map<HeadHash, std::uint32_t, FirstWord>;

  void SetOwner(const SeriesRole& role, CachedSeries& series);
  std::uint32_t PodIndex(const SeriesRole& role);
  std::uint32_t InstanceIndex(std::uint32_t pod, const SeriesRole& role);
  std::uint32_t ContainerIndex(const std::string& name);
  std::uint32_t IdentityIndex(const SeriesRole& role);
  [[nodiscard]] HeadHash HashOf(const Pod& pod) const;
  void FillPlaces();

  const HeadHasher& hasher_;
  std::string identity_text_;
  std::size_t added_ = 0;
  std::unique_ptr<Places> places_;
};

}  // namespace cloudmon::scrape
