// SPDX-License-Identifier: Apache-2.0
#include "aggregator/store/database_reader.h"

#include <filesystem>
#include <system_error>
#include <utility>

#include "aggregator/store/database.h"
#include "aggregator/store/directory.h"
#include "aggregator/store/read_back.h"
#include "aggregator/store/schema.h"

namespace cloudmon::store {
namespace {

// Both the journal and the names in it, as they are at one moment.
Status FillFromJournal(Connection& db, Head& head) {
  if (Status begun = db.Execute("BEGIN"); !begun.ok()) return begun;
  const Result<ReadBackReport> report = ReadBack(db, head, -1, INT64_MAX);
  if (!report.ok()) return report.error();
  return db.Execute("COMMIT");
}

}  // namespace

Result<std::unique_ptr<DatabaseReader>> DatabaseReader::Open(const std::string& path) {
  const std::string file = (std::filesystem::path(path) / kDatabaseName).string();
  std::error_code failed;
  if (!std::filesystem::exists(file, failed)) {
    return Error{ErrorCode::kNotFound, "storage.path: there is no database '" + file +
                                           "'; set storage.path to the directory of an aggregator's data"};
  }
  Result<Connection> db = Connection::Open(file, Connection::Mode::kReadOnly);
  if (!db.ok()) return Wrap(db.error(), "storage.path");
  const Result<std::int64_t> interval = IntervalSeconds(db.value());
  if (!interval.ok()) return Wrap(interval.error(), "storage.path: " + file);
  std::unique_ptr<DatabaseReader> reader(new DatabaseReader(file, interval.value()));
  if (const Status read = FillFromJournal(db.value(), reader->head_); !read.ok()) {
    return Wrap(read.error(), "storage.path: " + file);
  }
  return reader;
}

Result<std::int64_t> DatabaseReader::NewestSeconds() const {
  if (const auto newest = head_.newest_seconds()) return *newest;
  const Result<std::optional<std::int64_t>> stored = archive_.NewestSeconds(INT64_MAX);
  if (!stored.ok()) return stored.error();
  return stored.value().value_or(0);
}

Result<std::size_t> DatabaseReader::CountMembers(const Selector& selector, std::int64_t start_seconds) const {
  const Result<std::vector<PassMember>> members = history_.Members(selector, start_seconds, INT64_MAX);
  if (!members.ok()) return members.error();
  return members.value().size();
}

Status DatabaseReader::ForEach(const Selector& selector, std::int64_t start_seconds, std::int64_t end_seconds,
                               const Store::MemberLess& less, std::size_t points_in_memory,
                               const std::function<bool(SeriesSlice)>& take) const {
  return history_.ForEach(selector, start_seconds, end_seconds, less, points_in_memory, take);
}

}  // namespace cloudmon::store
