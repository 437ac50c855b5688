// SPDX-License-Identifier: Apache-2.0
// What a document that comes late changes in a bucket that is sealed. Pure.
#pragma once

#include <cstddef>
#include <vector>

#include "aggregator/series/model.h"

namespace cloudmon::series {

struct Amendment {
  Entry node;               // replaces the node's entry
  std::vector<Entry> pods;  // replace all pods of the node
  // False: the document is not newer than what is known of the node, so its entries have gauges only. Members that the
  // bucket has already keep their totals and rates, and pods their deployment.
  bool in_order = false;
  bool was_missing = false;   // nodes_missing counts the node, unless the bucket has it
  std::vector<Entry> groups;  // of a document without pods: what it adds to namespaces and deployments
  std::vector<Entry> totals;  // running totals of groups, which the bucket may show

  // How many a document brought; `totals` follow from them.
  [[nodiscard]] std::size_t entries() const { return 1 + pods.size() + groups.size(); }
};

// Applies them in this order. Namespaces, deployments and the cluster change by the difference between the pods before
// and after; `groups` count only where the bucket did not have the node. A group without pods goes. Applying an
// amendment that is not in order twice changes nothing more.
void Apply(const std::vector<Amendment>& amendments, Bucket& bucket);

}  // namespace cloudmon::series
