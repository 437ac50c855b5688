// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>

namespace cloudmon::scrape {

// Which source (a target or a node that pushes) reports which node: the one that had the name first, until it is
// removed or silent for longer than its patience. Pure. One thread at a time.
class NodeNames {
 public:
  // `source` has a good reading of `node` for the bucket that starts at `bucket_ms`. Returns who may report the node
  // in it: `source`, or the other one that has the name. A source has one name at a time.
  std::uint64_t Claim(const std::string& node, std::uint64_t source, std::int64_t bucket_ms, std::int64_t patience_ms);

  // The source was removed.
  void Release(std::uint64_t source);

 private:
  struct Owner {
    std::uint64_t source = 0;
    std::int64_t last_ms = 0;  // the newest bucket that it reported in
    std::int64_t patience_ms = 0;
  };
  std::unordered_map<std::string, Owner> owners_;
  std::unordered_map<std::uint64_t, std::string> names_;  // the reverse
};

}  // namespace cloudmon::scrape
