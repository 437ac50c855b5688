// SPDX-License-Identifier: Apache-2.0
// The parameters of the series routes: parsing them, and the times that they mean. Pure; safe to call from any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "aggregator/series/model.h"
#include "common/result.h"

namespace cloudmon::api {

enum class OutputFormat : std::uint8_t { kEntries, kColumns };

enum class SortBy : std::uint8_t { kTime, kName, kField };

struct SortOrder {
  SortBy by = SortBy::kTime;
  series::Field field = series::Field::kCpuMillicores;  // where by is kField
  bool descending = false;
};

struct SeriesQuery {
  std::int64_t window_seconds = 0;  // a multiple of the interval; not used where start or end is set
  std::optional<std::int64_t> start_seconds, end_seconds;  // [start, end) in bucket starts
  std::int64_t step_seconds = 0;                           // a multiple of the interval
  // Those wanted, in the order of series::kFields.
  std::vector<series::FieldInfo> fields{series::kFields.begin(), series::kFields.end()};
  std::string node, ns, deployment, pod;  // filters; empty: any
  SortOrder sort;
  std::size_t limit = std::numeric_limits<std::size_t>::max();  // members
  OutputFormat format = OutputFormat::kEntries;
};

// Reads decoded name=value pairs. Each name at most once; unknown names are refused, so that a misspelt parameter never
// silently does nothing. Errors (kInvalid) name the parameter and what to change: "window: expected seconds or a
// duration such as 5m, got 'abc'".
Result<SeriesQuery> ParseSeriesQuery(const std::vector<std::pair<std::string, std::string>>& pairs,
                                     std::int64_t interval_seconds);

struct TimeRange {
  std::int64_t start_seconds = 0, end_seconds = 0;  // [start, end) in bucket starts
};

// The bucket starts that a query means. A window counts back from the end of the newest complete bucket; where that
// bucket ended more than about two intervals ago (nothing is being scraped), from two intervals before now, so that old
// data is never served as current. Without `start` from the oldest bucket, without `end` up to the newest.
[[nodiscard]] TimeRange ResolveRange(const SeriesQuery& query, std::int64_t newest_bucket_seconds, std::int64_t now_ms,
                                     std::int64_t interval_seconds);

// The largest multiple of `width` that is at most `seconds` (not negative).
constexpr std::int64_t FloorTo(std::int64_t seconds, std::int64_t width) {
  return seconds - seconds % width;
}

// The table of parameters for README.md: | `name` | meaning | default |, one row each, from the table that the parser
// uses.
[[nodiscard]] std::string ParametersMarkdown();

}  // namespace cloudmon::api
