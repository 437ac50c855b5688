// SPDX-License-Identifier: Apache-2.0
#include "aggregator/store/import_staging.h"

#include <filesystem>
#include <memory>
#include <system_error>
#include <utility>

#include "aggregator/store/point_blob.h"

namespace cloudmon::store {
namespace {

// `entry` has no index: it is filled at the speed of the disk and sorted once. `stamp` has the times in it.
constexpr const char* kTables =
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE part(name TEXT PRIMARY KEY) WITHOUT ROWID;"
    "CREATE TABLE member(id INTEGER PRIMARY KEY, kind INTEGER NOT NULL, node TEXT NOT NULL, namespace TEXT NOT NULL,"
    "  deployment TEXT NOT NULL, pod TEXT NOT NULL, UNIQUE(kind, node, namespace, deployment, pod));"
    "CREATE TABLE stamp(time INTEGER PRIMARY KEY);"
    "CREATE TABLE entry(time INTEGER NOT NULL, member INTEGER NOT NULL, point BLOB NOT NULL);";

// Sorting needs room of its own. It is taken beside the file, where there is some, and not from /tmp, which may be
// small, in memory or read-only. (The setting is one of the process; only imports sort that much.)
Status SortIn(Connection& db, const std::string& directory) {
  Result<Statement> set = db.Prepare("SELECT quote(?1)");
  if (!set.ok()) return set.error();
  const Result<bool> quoted = set.value().Bind(1, directory).Step();
  if (!quoted.ok()) return quoted.error();
  const std::string text(set.value().Text(0));
  return db.Execute("PRAGMA cache_size=-32768; PRAGMA temp_store_directory=" + text);
}

void AddMissing(series::Point& point, const series::Point& more) {
  for (const series::FieldInfo& info : series::kFields) {
    if (more.Has(info.field) && !point.Has(info.field)) point.Set(info.field, more.Get(info.field));
  }
}

}  // namespace

Status ImportStaging::Remove(const std::string& file) {
  for (const char* suffix : {"-journal", ""}) {
    std::error_code failed;
    std::filesystem::remove(file + suffix, failed);
    if (failed) return ErrnoError(failed.value(), file + suffix);
  }
  return Status::Ok();
}

Result<ImportStaging> ImportStaging::Open(const std::string& file, const std::string& source) {
  Result<ImportStaging> opened = OpenFile(file, source);
  if (opened.ok()) return opened;
  const ErrorCode code = opened.error().code;
  if (code != ErrorCode::kParse && code != ErrorCode::kInvalid) return opened;
  if (const Status removed = Remove(file); !removed.ok()) return removed.error();
  return OpenFile(file, source);
}

// Errors: kInvalid where the file is of another source, kParse where it is damaged.
Result<ImportStaging> ImportStaging::OpenFile(const std::string& file, const std::string& source) {
  Result<Connection> db = Connection::Open(file, Connection::Mode::kReadWrite);
  if (!db.ok()) return db.error();
  ImportStaging staging(std::move(db.value()));
  Status status = SortIn(staging.db_, std::filesystem::path(file).parent_path().string());
  if (status.ok()) status = staging.Prepare(source);
  if (!status.ok()) return Wrap(status.error(), file);
  return staging;
}

Status ImportStaging::Prepare(const std::string& source) {
  const Result<std::int64_t> objects = db_.QueryInt("SELECT count(*) FROM sqlite_master");
  if (!objects.ok()) return objects.error();
  if (objects.value() == 0) {
    Transaction transaction(db_);
    Status status = transaction.Begin();
    if (status.ok()) status = db_.Execute(kTables);
    if (!status.ok()) return status;
    Result<Statement> meta = db_.Prepare("INSERT INTO meta VALUES('source', ?1), ('merged', '0')");
    if (!meta.ok()) return meta.error();
    status = meta.value().Bind(1, source).Run();
    if (status.ok()) status = transaction.Commit();
    if (!status.ok()) return status;
  }
  const Result<std::string> stored = db_.QueryText("SELECT value FROM meta WHERE key = 'source'");
  if (!stored.ok()) return Error{ErrorCode::kParse, stored.error().message};
  if (stored.value() != source) return Error{ErrorCode::kInvalid, "of another source"};
  return Load();
}

Status ImportStaging::Load() {
  const Result<std::int64_t> merged = db_.QueryInt("SELECT value FROM meta WHERE key = 'merged'");
  if (!merged.ok()) return merged.error();
  merged_seconds_ = merged.value();
  Result<Statement> parts = db_.Prepare("SELECT name FROM part");
  if (!parts.ok()) return parts.error();
  Result<bool> row = parts.value().Step();
  for (; row.ok() && row.value(); row = parts.value().Step()) complete_.emplace(parts.value().Text(0));
  if (!row.ok()) return row.error();
  for (const auto& [statement, sql] : {
           std::pair{&add_, "INSERT INTO entry VALUES(?1, ?2, ?3)"},
           std::pair{&add_member_,
                     "INSERT INTO member(kind, node, namespace, deployment, pod) VALUES(?1, ?2, ?3, ?4, ?5)"
                     " ON CONFLICT DO UPDATE SET kind = kind RETURNING id"},
       }) {
    Result<Statement> prepared = db_.Prepare(sql);
    if (!prepared.ok()) return prepared.error();
    *statement = std::move(prepared.value());
  }
  return Status::Ok();
}

Status ImportStaging::BeginPart() {
  ids_.clear();
  last_ = nullptr;
  times_.clear();
  (void)db_.Execute("ROLLBACK");  // of a part that was not ended; fails where there is none, which is as good
  return db_.Execute("BEGIN IMMEDIATE");
}

Result<std::int64_t> ImportStaging::IdOf(const series::Member& member) {
  if (last_ != nullptr && last_->first == member) return last_->second;
  auto found = ids_.find(member);
  if (found == ids_.end()) {
    add_member_.Bind(1, static_cast<std::int64_t>(member.kind)).Bind(2, member.node).Bind(3, member.ns);
    const Result<bool> row = add_member_.Bind(4, member.deployment).Bind(5, member.pod).Step();
    const std::int64_t id = row.ok() && row.value() ? add_member_.Int(0) : 0;
    add_member_.Reset();
    if (!row.ok()) return row.error();
    found = ids_.emplace(member, id).first;
  }
  last_ = &*found;
  return last_->second;
}

Status ImportStaging::Add(std::int64_t time_seconds, const series::Member& member, const series::Point& point) {
  const Result<std::int64_t> id = IdOf(member);
  if (!id.ok()) return id.error();
  times_.insert(time_seconds);
  blob_.clear();
  AppendBlob(blob_, point);
  return add_.Bind(1, time_seconds).Bind(2, id.value()).BindBlob(3, blob_).Run();
}

Status ImportStaging::EndPart(std::string_view part) {
  Result<Statement> stamp = db_.Prepare("INSERT OR IGNORE INTO stamp VALUES(?1)");
  if (!stamp.ok()) return stamp.error();
  for (const std::int64_t time_seconds : times_) {
    if (Status status = stamp.value().Bind(1, time_seconds).Run(); !status.ok()) return status;
  }
  Result<Statement> done = db_.Prepare("INSERT INTO part VALUES(?1)");
  if (!done.ok()) return done.error();
  Status status = done.value().Bind(1, part).Run();
  if (status.ok()) status = db_.Execute("COMMIT");
  if (status.ok()) complete_.emplace(part);
  return status;
}

Result<std::int64_t> ImportStaging::NewestSeconds() {
  return db_.QueryInt("SELECT coalesce(max(time), 0) FROM stamp");
}

Result<std::size_t> ImportStaging::CountBuckets(std::int64_t start_seconds, std::int64_t end_seconds) {
  const Result<std::int64_t> count =
      db_.QueryInt("SELECT count(*) FROM stamp WHERE time >= " + std::to_string(start_seconds) + " AND time < " +
                   std::to_string(end_seconds));
  if (!count.ok()) return count.error();
  return static_cast<std::size_t>(count.value());
}

Status ImportStaging::BeginReading(std::int64_t start_seconds) {
  if (Status status = ReadMembers(); !status.ok()) return status;
  Result<Statement> read = db_.Prepare("SELECT time, member, point FROM entry WHERE time >= ?1 ORDER BY time, rowid");
  if (!read.ok()) return read.error();
  read_ = std::move(read.value());
  read_.Bind(1, start_seconds);
  at_row_ = false;
  ended_ = false;
  return Status::Ok();
}

Status ImportStaging::ReadMembers() {
  Result<Statement> rows = db_.Prepare("SELECT id, kind, node, namespace, deployment, pod FROM member");
  if (!rows.ok()) return rows.error();
  Statement& row = rows.value();
  Result<bool> stepped = row.Step();
  for (; stepped.ok() && stepped.value(); stepped = row.Step()) {
    auto text = [&row](int column) { return std::string(row.Text(column)); };
    members_[row.Int(0)] = std::make_shared<const series::Member>(
        series::Member{static_cast<series::Kind>(row.Int(1)), text(2), text(3), text(4), text(5)});
  }
  if (!stepped.ok()) return stepped.error();
  return Status::Ok();
}

Result<bool> ImportStaging::Next(series::Bucket& out) {
  out.entries.clear();
  if (ended_) return false;                                // a further step would begin again
  std::unordered_map<std::int64_t, std::size_t> entry_of;  // by member
  for (;; at_row_ = false) {
    if (!at_row_) {
      const Result<bool> row = read_.Step();
      if (!row.ok()) return row.error();
      if (!row.value()) {
        ended_ = true;
        return !out.entries.empty();
      }
      at_row_ = true;
    }
    if (out.entries.empty()) out.time_seconds = read_.Int(0);
    if (read_.Int(0) != out.time_seconds) return true;
    const std::optional<series::Point> point = PointOfBlob(read_.Blob(2));
    const auto member = members_.find(read_.Int(1));
    if (!point || member == members_.end()) return Error{ErrorCode::kIo, "the staged entries are damaged"};
    const auto [at, fresh] = entry_of.try_emplace(read_.Int(1), out.entries.size());
    if (fresh) {
      out.entries.push_back({member->second, *point});
    } else {
      AddMissing(out.entries[at->second].point, *point);
    }
  }
}

Status ImportStaging::SetMerged(std::int64_t time_seconds) {
  Status status = db_.Execute("UPDATE meta SET value = '" + std::to_string(time_seconds) + "' WHERE key = 'merged'");
  if (status.ok()) merged_seconds_ = time_seconds;
  return status;
}

}  // namespace cloudmon::store
