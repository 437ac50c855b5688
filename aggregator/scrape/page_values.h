// SPDX-License-Identifier: Apache-2.0
// The values of the page that is being read, by owner. Pure data; gone with the page.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "aggregator/scrape/series_role.h"

namespace cloudmon::scrape {

// The values that one owner (pod, container, node) got.
class Totals {
 public:
  void Take(Quantity quantity, double value) {
    const auto i = static_cast<std::size_t>(quantity);
    if (!Has(quantity)) {
      values_[i] = value;
      mask_ |= 1U << i;
    } else if (AddsUp(quantity)) {
      values_[i] += value;
    }
  }
  [[nodiscard]] bool Has(Quantity quantity) const { return (mask_ >> static_cast<unsigned>(quantity) & 1U) != 0; }
  [[nodiscard]] double Get(Quantity quantity) const { return values_[static_cast<std::size_t>(quantity)]; }

 private:
  std::uint32_t mask_ = 0;
  std::array<double, kQuantityCount> values_{};
};

struct PodValues {
  Totals totals;               // of pod_* series
  std::uint32_t identity = 0;  // index into PageCache::identities
  bool seen = false;
  bool has_info = false;  // `identity` comes from cloudmon_pod_info
};

struct PageValues {
  std::vector<PodValues> pods;    // by index in PageCache
  std::vector<Totals> instances;  // the same
  std::vector<bool> cpus;         // seen; the same
  Totals node, machine;
};

}  // namespace cloudmon::scrape
