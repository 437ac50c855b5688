// SPDX-License-Identifier: Apache-2.0
// The labels of series that are sent, but for their name. Pure.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "aggregator/series/model.h"
#include "common/result.h"

namespace cloudmon::remote_write {

// Name and value, sorted by name.
using Labels = std::vector<std::pair<std::string, std::string>>;

// Reads "cluster=eu-1" texts. Error: kInvalid, naming the text: no such label, a name twice, an empty value.
Result<Labels> ParseLabels(const std::vector<std::string>& texts);

// What is known of the member, and those of `external` that do not say something else of it.
[[nodiscard]] Labels LabelsOf(const series::Member& member, const Labels& external);

}  // namespace cloudmon::remote_write
