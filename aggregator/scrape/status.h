// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

namespace cloudmon::scrape {

// What /api/targets says of one target, or of a node that pushes: then `url` is "push:<node>", `source` "push",
// `last_scrape_ms` when its last document came, `samples` that one's pods and the node, and there are no labels.
struct TargetStatus {
  std::string url, node, source;
  std::map<std::string, std::string> labels;
  bool up = false;
  std::int64_t last_scrape_ms = 0;  // Unix time; 0: not yet
  double duration_seconds = 0;
  std::size_t body_bytes = 0, samples = 0, rejected_lines = 0;
  std::string last_error;  // empty when the last scrape was good
};

// Counters of the scrape loop since start.
struct LoopStats {
  std::uint64_t scrapes = 0, scrape_failures = 0, samples = 0, rejected_lines = 0, late_samples = 0, skipped_ticks = 0;
  std::uint64_t buckets_sealed = 0;
  // Documents: taken, those of them that changed a sealed bucket, and refused because another source reports the node.
  std::uint64_t pushes = 0, late_pushes = 0, push_refusals = 0;
};

}  // namespace cloudmon::scrape
