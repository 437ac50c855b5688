// SPDX-License-Identifier: Apache-2.0
#include "aggregator/export/range.h"

#include "aggregator/api/time_text.h"

namespace cloudmon::exports {

Result<api::SeriesQuery> ParseRange(const std::vector<std::pair<std::string, std::string>>& pairs,
                                    std::int64_t interval_seconds) {
  for (const auto& [name, value] : pairs) {
    if (name != "window" && name != "start" && name != "end") {
      return Error{ErrorCode::kInvalid,
                   "unknown parameter " + api::Quoted(name) + "; known for exports are window, start, end"};
    }
  }
  auto query = api::ParseSeriesQuery(pairs, interval_seconds);
  if (query.ok() && pairs.empty()) query.value().start_seconds = 0;
  return query;
}

}  // namespace cloudmon::exports
