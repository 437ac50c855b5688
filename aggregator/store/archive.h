// SPDX-License-Identifier: Apache-2.0
// Reads the database beside its writer: what is older than the head. Thread-safe; does I/O.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "aggregator/store/database.h"
#include "aggregator/store/store.h"
#include "common/result.h"

namespace cloudmon::store {

class Archive {
 public:
  // The database exists and is open for writing while the archive is used.
  explicit Archive(std::string file) : file_(std::move(file)) {}

  // As Store::Select(), from the database alone.
  Result<std::vector<SeriesSlice>> Select(const Selector& selector, std::int64_t start_seconds,
                                          std::int64_t end_seconds, std::size_t max_points) const;
  // The same for given members of one kind, ordered by member; without a limit.
  Result<std::vector<SeriesSlice>> Select(series::Kind kind, const std::vector<series::MemberPtr>& members,
                                          std::int64_t start_seconds, std::int64_t end_seconds) const;
  // The stored series that match and may have points at or after `start_seconds`, ordered by member.
  Result<std::vector<series::MemberPtr>> Members(const Selector& selector, std::int64_t start_seconds) const;
  // How many buckets of the range are stored for a kind.
  Result<std::size_t> CountBuckets(series::Kind kind, std::int64_t start_seconds, std::int64_t end_seconds) const;
  // The first column of the first row.
  Result<std::int64_t> QueryInt(std::string_view sql) const;
  // Whether a stored series matches.
  Result<bool> Knows(const Selector& selector) const;

 private:
  class Lease;  // a connection taken from idle_ or opened, and put back

  const std::string file_;
  mutable std::mutex mutex_;
  mutable std::vector<Connection> idle_;  // guarded by mutex_
};

}  // namespace cloudmon::store
