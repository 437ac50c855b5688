// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>

namespace cloudmon::scrape {

// Which target reports which node: the one that had the name first, until it is removed or silent for `patience_ms`.
// Pure. One thread at a time.
class NodeNames {
 public:
  explicit NodeNames(std::int64_t patience_ms) : patience_ms_(patience_ms) {}

  // `target` has a good reading of `node` for the bucket that starts at `bucket_ms`. Returns who may report the node
  // in it: `target`, or the other one that has the name. A target has one name at a time.
  std::uint64_t Claim(const std::string& node, std::uint64_t target, std::int64_t bucket_ms);

  // The target was removed.
  void Release(std::uint64_t target);

 private:
  struct Owner {
    std::uint64_t target = 0;
    std::int64_t last_ms = 0;  // the newest bucket that it reported in
  };
  const std::int64_t patience_ms_;
  std::unordered_map<std::string, Owner> owners_;
  std::unordered_map<std::uint64_t, std::string> names_;  // the reverse
};

}  // namespace cloudmon::scrape
