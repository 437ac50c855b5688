// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mutex>
#include <utility>
#include <vector>

#include "aggregator/discovery/target.h"

namespace cloudmon::discovery {

// Hands the targets that a discovery's own thread finds to the one that asks. Thread-safe.
class FoundTargets {
 public:
  void Set(std::vector<Target> targets) {
    const std::lock_guard lock(mu_);
    changed_ = changed_ || targets != targets_;
    targets_.swap(targets);
  }
  // As Discovery's.
  std::vector<Target> Targets() {
    const std::lock_guard lock(mu_);
    changed_ = false;
    return targets_;
  }
  [[nodiscard]] bool Changed() const {
    const std::lock_guard lock(mu_);
    return changed_;
  }
  [[nodiscard]] std::size_t size() const {
    const std::lock_guard lock(mu_);
    return targets_.size();
  }

 private:
  mutable std::mutex mu_;
  bool changed_ = false;
  std::vector<Target> targets_;
};

}  // namespace cloudmon::discovery
