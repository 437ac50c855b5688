// SPDX-License-Identifier: Apache-2.0
#include "aggregator/store/schema.h"

#include <algorithm>
#include <utility>

#include "aggregator/store/directory.h"
#include "common/text.h"

namespace cloudmon::store {
namespace {

// Up to this size a database is read through for damage before it is used. Beyond it that would take longer than a
// start may take; then the tables that everything hangs on are checked, and reading the newest buckets back checks the
// rest that is needed.
constexpr std::uint64_t kFullCheckBytes = 256U << 20U;

// Only settable on an empty file. To set them again would write to it, for which a full disk has no room:
// page_size=16384           blobs of an hour lie whole in a page, several side by side: with SQLite's 4096 most would
//                           fill a page of their own, and leave half of it empty
// auto_vacuum=INCREMENTAL   space that retention frees can be given back step by step
constexpr const char* kEmptyFileSettings =
    "PRAGMA page_size=16384;"
    "PRAGMA auto_vacuum=INCREMENTAL;";

// journal_mode=WAL          readers do not wait for the writer, and a commit is one append
// synchronous=NORMAL        a commit survives the death of the process; a power cut may lose the last few, never damage
//                           the file (in WAL mode only checkpoints are synced)
// journal_size_limit        the -wal file shrinks back to this after a checkpoint
// cache_size=-2000          KiB, SQLite's default; said again, as the number of pages was reckoned before page_size was
// set
constexpr const char* kSettings =
    "PRAGMA journal_mode=WAL;"
    "PRAGMA synchronous=NORMAL;"
    "PRAGMA journal_size_limit=16777216;"
    "PRAGMA cache_size=-2000;";

// `bucket` is the journal: buckets that are not yet in parts. Keys of `part` and `chunk`: grid.h. None is WITHOUT
// ROWID: such a table keeps large values in pages of their own. `series` is found by a hash of its name, as an index of
// the names would be as large as the table: see series_table.h, also for the times.
constexpr const char* kTables =
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE series(id INTEGER PRIMARY KEY, kind TEXT NOT NULL, name_hash INTEGER NOT NULL, node TEXT NOT NULL,"
    "  namespace TEXT NOT NULL, deployment TEXT NOT NULL, pod TEXT NOT NULL, first_time INTEGER NOT NULL,"
    "  last_time INTEGER NOT NULL);"
    "CREATE INDEX series_name ON series(kind, name_hash);"
    "CREATE TABLE bucket(time INTEGER PRIMARY KEY, document BLOB NOT NULL);"
    "CREATE TABLE part(key INTEGER PRIMARY KEY, points BLOB NOT NULL);"
    "CREATE TABLE chunk(key INTEGER PRIMARY KEY, points BLOB NOT NULL);";

// What every later statement relies on: fails where a table or column is missing.
constexpr const char* kProbe =
    "SELECT (SELECT count(*) FROM (SELECT id, kind, name_hash, node, namespace, deployment, pod, first_time, last_time"
    "  FROM series LIMIT 1))"
    " + (SELECT count(*) FROM (SELECT time, document FROM bucket LIMIT 1))"
    " + (SELECT count(*) FROM (SELECT key, points FROM part LIMIT 1))"
    " + (SELECT count(*) FROM (SELECT key, points FROM chunk LIMIT 1))";

Error Damaged(std::string message) {
  return Error{ErrorCode::kParse, std::move(message)};
}

Status Create(Connection& db, std::int64_t interval_seconds) {
  Transaction transaction(db);
  Status status = transaction.Begin();
  if (status.ok()) status = db.Execute(kTables);
  if (status.ok()) {
    status = db.Execute("INSERT INTO meta VALUES('format', '" + std::to_string(kFormatVersion) +
                        "'), ('interval_seconds', '" + std::to_string(interval_seconds) + "')");
  }
  if (status.ok()) status = transaction.Commit();
  return status;
}

Result<std::int64_t> Meta(Connection& db, const std::string& key) {
  const Result<std::string> text = db.QueryText("SELECT value FROM meta WHERE key='" + key + "'");
  if (!text.ok()) return Damaged("meta: " + text.error().message);
  Result<std::int64_t> value = text::ParseI64(text.value());
  if (!value.ok()) return Damaged("meta: " + key + ": " + value.error().message);
  return value;
}

Status CheckPages(Connection& db, const std::string& file) {
  const bool full = DatabaseBytes(file) <= kFullCheckBytes;
  for (const char* check :
       {full ? "PRAGMA quick_check(1)" : "PRAGMA quick_check(meta)", "PRAGMA quick_check(series)"}) {
    Result<std::string> answer = db.QueryText(check);
    if (!answer.ok()) return answer.error();
    std::ranges::replace(answer.value(), '\n', ' ');  // it goes into one line of the log
    if (answer.value() != "ok") return Damaged(answer.value());
    if (full) break;
  }
  return Status::Ok();
}

Status CheckUsable(Connection& db, std::int64_t interval_seconds) {
  const Result<std::int64_t> interval = IntervalSeconds(db);
  if (!interval.ok()) return interval.error();
  if (interval.value() != interval_seconds) {
    return Error{ErrorCode::kInvalid, "storage.path: the database holds buckets of " +
                                          std::to_string(interval.value()) + " s and scrape.interval is " +
                                          std::to_string(interval_seconds) + " s; set scrape.interval to " +
                                          std::to_string(interval.value()) + "s, or storage.path to another directory"};
  }
  return Status::Ok();
}

}  // namespace

Result<std::int64_t> IntervalSeconds(Connection& db) {
  const Result<std::int64_t> format = Meta(db, "format");
  if (!format.ok()) return format.error();
  if (format.value() != kFormatVersion) {
    return Damaged("format " + std::to_string(format.value()) + " is not the one this version reads, which is " +
                   std::to_string(kFormatVersion));
  }
  if (const auto probe = db.QueryInt(kProbe); !probe.ok()) return Damaged(probe.error().message);
  return Meta(db, "interval_seconds");
}

Result<Connection> OpenForWriting(const std::string& file, std::int64_t interval_seconds, Connection::Index index) {
  Result<Connection> opened = Connection::Open(file, Connection::Mode::kReadWrite, index);
  if (!opened.ok()) return opened.error();
  Connection& db = opened.value();
  const Result<std::int64_t> objects = db.QueryInt("SELECT count(*) FROM sqlite_master");
  if (!objects.ok()) return Wrap(objects.error(), file);
  Status status = objects.value() == 0 ? db.Execute(kEmptyFileSettings) : Status::Ok();
  if (status.ok()) status = db.Execute(kSettings);
  if (!status.ok()) return Wrap(status.error(), file);
  if (objects.value() == 0) {
    status = Create(db, interval_seconds);
  } else {
    status = CheckPages(db, file);
    if (status.ok()) status = CheckUsable(db, interval_seconds);
  }
  if (!status.ok()) return Wrap(status.error(), file);
  return opened;
}

}  // namespace cloudmon::store
