// SPDX-License-Identifier: Apache-2.0
// Reads an existing database without a store: for commands that run beside an aggregator or without one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "aggregator/store/archive.h"
#include "aggregator/store/head.h"
#include "aggregator/store/history.h"
#include "aggregator/store/store.h"
#include "common/result.h"

namespace cloudmon::store {

// Thread-safe. Takes no lock and writes no data. Of an aggregator that runs meanwhile it sees the buckets that were
// sealed when it was opened.
class DatabaseReader {
 public:
  // `path`: the directory, storage.path. Errors: kNotFound where there is no database; kParse where it is damaged or of
  // another format; kDenied and kIo. The message names storage.path.
  static Result<std::unique_ptr<DatabaseReader>> Open(const std::string& path);

  [[nodiscard]] std::int64_t interval_seconds() const { return interval_seconds_; }

  // The start of the newest bucket; 0: there is none.
  Result<std::int64_t> NewestSeconds() const;

  // How many members match and may have points at or after `start_seconds`.
  Result<std::size_t> CountMembers(const Selector& selector, std::int64_t start_seconds) const;

  // As Store::ForEach().
  Status ForEach(const Selector& selector, std::int64_t start_seconds, std::int64_t end_seconds,
                 const Store::MemberLess& less, std::size_t points_in_memory,
                 const std::function<bool(SeriesSlice)>& take) const;

 private:
  DatabaseReader(const std::string& file, std::int64_t interval_seconds)
      : interval_seconds_(interval_seconds), archive_(file, interval_seconds) {}

  const std::int64_t interval_seconds_;
  Head head_{SIZE_MAX};  // the journal's buckets
  const Archive archive_;
  const History history_{head_, archive_, interval_seconds_};
};

}  // namespace cloudmon::store
