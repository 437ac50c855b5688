// SPDX-License-Identifier: Apache-2.0
// Reads the export files (writer.h), our own and those of the system whose format they have.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <istream>
#include <map>
#include <string>

#include "aggregator/series/model.h"
#include "common/result.h"

namespace cloudmon::exports {

// An error ends the reading; kInvalid says that the entry cannot be taken.
using TakeEntry =
    std::function<Status(std::int64_t time_seconds, const series::Member& member, const series::Point& point)>;

struct ReadSummary {
  std::size_t entries = 0;
  std::size_t replaced = 0;  // entries with a later one of the same member in their bucket, which counts instead
  std::map<std::string, std::size_t> skipped_fields;  // unknown fields of entries, by name; the first hundred names
};

// Calls `take` with every entry of a file of that kind's members and, under `__all__`, of the cluster, in the order of
// the file and while reading: memory does not grow with it. `in` must be seekable.
//
// Of several entries of one member in a bucket the last counts, as with documents that are pushed. A bucket is Unix
// seconds or "2026-11-22 17:40:10" in local time. Who an entry is follows from its key and its fields node, namespace,
// deployment, pod: what they both say must agree. Pages may have pods without a namespace. Values are numbers that are
// not negative, rounded to whole ones (rates to one decimal); null is a value that is not known. Fields that are not
// known are skipped and counted. Error: kParse with the place, "line 3, column 14: /web-1/1795369210/0/memory_bytes:
// expected a number, got a string"; kIo; what `take` returned, with the place where that is kInvalid. One thread at a
// time for each `in`.
Result<ReadSummary> ReadFile(std::istream& in, series::Kind kind, std::int64_t interval_seconds, const TakeEntry& take);

}  // namespace cloudmon::exports
