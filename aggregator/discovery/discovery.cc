// SPDX-License-Identifier: Apache-2.0
#include "aggregator/discovery/discovery.h"

#include <unordered_set>
#include <utility>

namespace cloudmon::discovery {

std::vector<Target> AllTargets(const Discoveries& discoveries, const Shard& shard) {
  std::vector<Target> all;
  std::unordered_set<std::string> urls;
  for (const auto& discovery : discoveries) {
    for (Target& target : discovery->Targets()) {
      if (shard.Has(target.url) && urls.insert(target.url).second) all.push_back(std::move(target));
    }
  }
  return all;
}

}  // namespace cloudmon::discovery
