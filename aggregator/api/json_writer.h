// SPDX-License-Identifier: Apache-2.0
// Writes series answers. Of our own for speed: these are up to many thousand entries; small answers use nlohmann_json.
// Pure apart from the time zone; safe to call from any thread.
#pragma once

#include <string>
#include <vector>

#include "aggregator/api/query.h"
#include "aggregator/series/model.h"
#include "aggregator/store/store.h"

namespace cloudmon::api {

// An array of flat entries, one on each line: time, identity, those of `fields` that are known. Where `sort` is by
// time, entries are ordered by time and then as `members` are; else each member's entries stand together in time order.
// Values of rates are written with one decimal.
[[nodiscard]] std::string WriteEntries(const std::vector<const store::SeriesSlice*>& members,
                                       const std::vector<series::FieldInfo>& fields, const SortOrder& sort);

// {"time": [...], "series": [{"labels": {...}, "cpu_millicores": [...]}]}: times are every step from the first to the
// last that any member has, null where a member has no value; fields that a member never has are left out.
[[nodiscard]] std::string WriteColumns(const std::vector<const store::SeriesSlice*>& members,
                                       const std::vector<series::FieldInfo>& fields, std::int64_t step_seconds);

// How many values of one field WriteColumns would write: members times steps.
[[nodiscard]] std::size_t ColumnCells(const std::vector<const store::SeriesSlice*>& members, std::int64_t step_seconds);

}  // namespace cloudmon::api
