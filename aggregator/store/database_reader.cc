// SPDX-License-Identifier: Apache-2.0
#include "aggregator/store/database_reader.h"

#include <filesystem>
#include <system_error>
#include <utility>

#include "aggregator/store/directory.h"
#include "aggregator/store/passes.h"
#include "aggregator/store/schema.h"

namespace cloudmon::store {

Result<std::unique_ptr<DatabaseReader>> DatabaseReader::Open(const std::string& path) {
  std::string file = (std::filesystem::path(path) / kDatabaseName).string();
  std::error_code failed;
  if (!std::filesystem::exists(file, failed)) {
    return Error{ErrorCode::kNotFound, "storage.path: there is no database '" + file +
                                           "'; set storage.path to the directory of an aggregator's data"};
  }
  Result<Connection> db = Connection::Open(file, Connection::Mode::kReadOnly);
  if (!db.ok()) return Wrap(db.error(), "storage.path");
  const Result<std::int64_t> interval = IntervalSeconds(db.value());
  if (!interval.ok()) return Wrap(interval.error(), "storage.path: " + file);
  return std::unique_ptr<DatabaseReader>(new DatabaseReader(std::move(file), interval.value()));
}

Result<std::size_t> DatabaseReader::CountMembers(const Selector& selector, std::int64_t start_seconds) const {
  const Result<std::vector<series::MemberPtr>> members = archive_.Members(selector, start_seconds);
  if (!members.ok()) return members.error();
  return members.value().size();
}

Status DatabaseReader::ForEach(const Selector& selector, std::int64_t start_seconds, std::int64_t end_seconds,
                               const Store::MemberLess& less, std::size_t points_in_memory,
                               const std::function<bool(SeriesSlice)>& take) const {
  Result<std::vector<series::MemberPtr>> members = archive_.Members(selector, start_seconds);
  if (!members.ok()) return members.error();
  const Result<std::size_t> buckets = archive_.CountBuckets(selector.kind, start_seconds, end_seconds);
  if (!buckets.ok()) return buckets.error();
  const auto read = [&](const std::vector<series::MemberPtr>& batch) {
    return archive_.Select(selector.kind, batch, start_seconds, end_seconds);
  };
  return ReadInPasses(std::move(members.value()), less, buckets.value(), points_in_memory, read, take);
}

}  // namespace cloudmon::store
