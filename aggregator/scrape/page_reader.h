// SPDX-License-Identifier: Apache-2.0
// Turns a target's page into a reading: our exporter's, the kubelet's /metrics/cadvisor, a cAdvisor on its own, a
// synthetic page with their names. Pure.
//
// A page with pod_* series gives the pods by those. In any other page a pod is its containers (container_*), each name
// once: of several cgroups that claim it, as after a restart, the one that started last. A pod of which only rows
// without a container's name are there is taken from them. Network bytes are summed over interfaces, disk bytes over
// devices, of one network namespace and one cgroup each. The node is node_*, else the root cgroup (id="/").
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "aggregator/scrape/head_hash.h"
#include "aggregator/series/reading.h"
#include "common/exposition/parser.h"

namespace cloudmon::scrape {

struct PageLimits {
  exposition::ParseLimits parse;
  exposition::HeadLimits head;
};

struct PageReading {
  series::TargetReading reading;
  // Counts as rejected also: heads that do not parse or exceed a limit, the same series a second time (the first one
  // counts), values too large to be true. NaN and negative values are no values and not an error.
  exposition::ParseReport report;
};

class PageCache;

// Of one target: remembers its series between pages. One thread at a time.
class PageReader {
 public:
  PageReader();
  ~PageReader();
  PageReader(const PageReader&) = delete;
  PageReader& operator=(const PageReader&) = delete;

  [[nodiscard]] PageReading Read(std::string_view body, exposition::Format format, const PageLimits& limits);

  // Series remembered: those of the last page.
  [[nodiscard]] std::size_t cached_series() const;
  // Pods, containers' instances and identities remembered: of at most three times as many series, and a few.
  [[nodiscard]] std::size_t cached_owners() const;

 private:
  HeadHasher hasher_;
  std::unique_ptr<PageCache> cache_;  // never null
};

}  // namespace cloudmon::scrape
