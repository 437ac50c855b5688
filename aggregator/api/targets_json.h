// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "aggregator/scrape/status.h"

namespace cloudmon::api {

// A JSON array of objects with the names of TargetStatus, a target on each line. `last_scrape` is Unix seconds with
// milliseconds, null before the first scrape; `last_error` is null where the last scrape was good. Pure.
[[nodiscard]] std::string TargetsJson(const std::vector<scrape::TargetStatus>& targets);

}  // namespace cloudmon::api
