// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "aggregator/config.h"
#include "aggregator/discovery/discovery.h"
#include "common/clock.h"
#include "common/result.h"

namespace cloudmon {

// Makes the discoveries that the settings ask for. One thread at a time.
class DiscoveryMaker {
 public:
  // `clock` must outlive what is made.
  explicit DiscoveryMaker(const Clock& clock) : clock_(clock) {}

  // REQUIRES: FinishConfig accepted the settings. Those whose settings are as at the last Make are the same as then,
  // with their targets. Error: Kubernetes cannot be watched, naming the setting; then all is as before.
  Result<discovery::Discoveries> Make(const AggregatorConfig& config);

 private:
  using Made = std::map<std::vector<std::string>, std::shared_ptr<discovery::Discovery>>;

  const Clock& clock_;
  Made made_;  // by what they were made from
};

}  // namespace cloudmon
