// SPDX-License-Identifier: Apache-2.0
#include "aggregator/scrape/node_names.h"

namespace cloudmon::scrape {

std::uint64_t NodeNames::Claim(const std::string& node, std::uint64_t source, std::int64_t bucket_ms,
                               std::int64_t patience_ms) {
  if (const auto had = names_.find(source); had != names_.end() && had->second != node) Release(source);
  const auto [at, is_free] = owners_.try_emplace(node, Owner{source, bucket_ms, patience_ms});
  Owner& owner = at->second;
  if (owner.source != source) {
    if (bucket_ms - owner.last_ms <= owner.patience_ms) return owner.source;
    names_.erase(owner.source);
    owner.source = source;
    owner.patience_ms = patience_ms;
  }
  owner.last_ms = bucket_ms;
  names_[source] = node;
  return source;
}

void NodeNames::Release(std::uint64_t source) {
  const auto name = names_.find(source);
  if (name == names_.end()) return;
  owners_.erase(name->second);
  names_.erase(name);
}

}  // namespace cloudmon::scrape
