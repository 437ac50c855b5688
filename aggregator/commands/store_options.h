// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "aggregator/config.h"
#include "aggregator/store/store.h"

namespace cloudmon {

[[nodiscard]] store::StoreOptions StoreOptionsOf(const AggregatorConfig& config);

}  // namespace cloudmon
