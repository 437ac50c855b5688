// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "aggregator/discovery/discovery.h"
#include "common/result.h"

namespace cloudmon::discovery {

// Targets that never change (--scrape.targets), each as ParseTarget takes it. Error: kInvalid, naming the entry.
Result<std::unique_ptr<Discovery>> MakeStaticList(const std::vector<std::string>& targets);

}  // namespace cloudmon::discovery
