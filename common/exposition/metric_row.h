// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "common/exposition/writer.h"

namespace cloudmon::exposition {

// A row of a table in docs/metrics.md: | `name` | type | unit | labels | meaning |, and a column for each of `sources`.
// The unit is the definition's, else what the name ends in (seconds, bytes), else none. Pure.
[[nodiscard]] std::string MetricRow(const MetricDef& def, std::string_view labels,
                                    std::initializer_list<std::string_view> sources = {});

}  // namespace cloudmon::exposition
