// SPDX-License-Identifier: Apache-2.0
// Export files from a store and into one.
#pragma once

#include <limits>
#include <map>
#include <sstream>
#include <string>
#include <utility>

#include "aggregator/export/reader.h"
#include "aggregator/export/writer.h"
#include "tests/unit/aggregator/api/sample.h"

namespace cloudmon::test {

inline constexpr api::TimeRange kAllTime{0, std::numeric_limits<std::int64_t>::max()};

inline exports::ForEach ForEachOf(const store::Store& store) {
  return [&store](const auto& selector, auto start, auto end, const auto& less, auto points, const auto& take) {
    return store.ForEach(selector, start, end, less, points, take);
  };
}

// The text of one file.
inline std::string Export(const store::Store& store, series::Kind kind, const api::TimeRange& range = kAllTime) {
  std::string text;
  const Status status = exports::WriteFile(ForEachOf(store), kind, range, [&](std::string_view piece) {
    text += piece;
    return true;
  });
  return status.ok() ? text : "error: " + status.error().message;
}

// What import files hold, by bucket: entries of the cluster, which is in all of them, count once.
using Imported = std::map<std::int64_t, std::map<series::Member, series::Point>>;

inline Result<exports::ReadSummary> Import(const std::string& text, series::Kind kind, Imported& out) {
  std::istringstream in(text);
  return exports::ReadFile(in, kind, kInterval, [&](std::int64_t time, const auto& member, const auto& point) {
    out[time][member] = point;
    return Status::Ok();
  });
}

inline void FillFrom(const Imported& imported, store::Store& store) {
  for (const auto& [time, entries] : imported) {
    series::Bucket bucket{time, {}};
    for (const auto& [member, point] : entries) bucket.entries.push_back({MakeMember(member), point});
    store.Append(std::move(bucket));
  }
}

}  // namespace cloudmon::test
