// SPDX-License-Identifier: Apache-2.0
#include "aggregator/scrape/node_names.h"

namespace cloudmon::scrape {

std::uint64_t NodeNames::Claim(const std::string& node, std::uint64_t target, std::int64_t bucket_ms) {
  if (const auto had = names_.find(target); had != names_.end() && had->second != node) Release(target);
  const auto [at, is_free] = owners_.try_emplace(node, Owner{target, bucket_ms});
  Owner& owner = at->second;
  if (owner.target != target) {
    if (bucket_ms - owner.last_ms <= patience_ms_) return owner.target;
    names_.erase(owner.target);
    owner.target = target;
  }
  owner.last_ms = bucket_ms;
  names_[target] = node;
  return target;
}

void NodeNames::Release(std::uint64_t target) {
  const auto name = names_.find(target);
  if (name == names_.end()) return;
  owners_.erase(name->second);
  names_.erase(name);
}

}  // namespace cloudmon::scrape
