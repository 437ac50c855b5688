// SPDX-License-Identifier: Apache-2.0
// Reads the database beside its writer: what is older than the head. Thread-safe; does I/O.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "aggregator/series/model.h"
#include "aggregator/store/database.h"
#include "aggregator/store/series_table.h"
#include "aggregator/store/store.h"
#include "common/result.h"

namespace cloudmon::store {

// Each call sees the database as it is at one moment. Errors: kIo where it cannot be read.
class Archive {
 public:
  // The database exists and is open for writing while the archive is used.
  Archive(std::string file, std::int64_t interval_seconds, Connection::Index index = Connection::Index::kFile);
  ~Archive();
  Archive(const Archive&) = delete;
  Archive& operator=(const Archive&) = delete;

  // As Store::Select(), from the database alone; kLimit likewise. Of the points only `fields` are read.
  Result<std::vector<SeriesSlice>> Select(const Selector& selector, std::int64_t start_seconds,
                                          std::int64_t end_seconds, series::FieldMask fields,
                                          std::size_t max_points) const;
  // The same for given members, in their order; without a limit.
  Result<std::vector<SeriesSlice>> Select(const std::vector<series::MemberPtr>& members, std::int64_t start_seconds,
                                          std::int64_t end_seconds) const;
  // The stored series that match and may have points with start <= time < end, ordered by member.
  Result<std::vector<StoredSeries>> Members(const Selector& selector, std::int64_t start_seconds,
                                            std::int64_t end_seconds) const;
  // Whether a stored series matches.
  Result<bool> Knows(const Selector& selector) const;

  // What is known at `until_seconds` of the kind's members that have points since `since_seconds`, or shortly before,
  // and that are `wanted`, ordered by member: see KeepLast().
  Result<std::vector<SeriesSlice>> Newest(series::Kind kind, std::int64_t since_seconds, std::int64_t until_seconds,
                                          const std::function<bool(const series::Member&)>& wanted) const;

  // As ChunkReader::NewestSeconds().
  Result<std::optional<std::int64_t>> NewestSeconds(std::int64_t until_seconds) const;

 private:
  struct Session;  // a connection with its statements; in idle_, or used by one call

  template <class T>
  Result<T> Read(const std::function<Result<T>(Session&)>& work) const;
  Result<std::unique_ptr<Session>> Take() const;

  const std::string file_;
  const std::int64_t interval_seconds_;
  const Connection::Index index_;
  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<Session>> idle_;  // guarded by mutex_
};

}  // namespace cloudmon::store
