// SPDX-License-Identifier: Apache-2.0
#include "aggregator/store/import_staging.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <system_error>
#include <utility>

#include "aggregator/store/chunk_bits.h"
#include "aggregator/store/point_blob.h"

namespace cloudmon::store {
namespace {

// A row of `run` is what came in a row of one member and chunk. It has no index: it is filled at the speed of the disk
// and sorted once. `stamp` has the buckets, and how many entries each has.
constexpr const char* kTables =
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE part(name TEXT PRIMARY KEY) WITHOUT ROWID;"
    "CREATE TABLE member(id INTEGER PRIMARY KEY, kind INTEGER NOT NULL, node TEXT NOT NULL, namespace TEXT NOT NULL,"
    "  deployment TEXT NOT NULL, pod TEXT NOT NULL, UNIQUE(kind, node, namespace, deployment, pod));"
    "CREATE TABLE stamp(time INTEGER PRIMARY KEY, entries INTEGER NOT NULL);"
    "CREATE TABLE run(chunk INTEGER NOT NULL, member INTEGER NOT NULL, points BLOB NOT NULL);";

// A run is written when it is as long, so that it stays small in memory also where one bucket is added again and again.
constexpr std::size_t kRunBytes = 65'536;

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

std::int64_t TimeOf(const Grid& grid, std::int64_t chunk, std::size_t position) {
  return grid.StartOf(chunk) + static_cast<std::int64_t>(position) * grid.interval_seconds;
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

Result<ImportStaging> ImportStaging::Open(const std::string& file, const std::string& source, const Grid& grid) {
  Result<ImportStaging> opened = OpenFile(file, source, grid);
  if (opened.ok()) return opened;
  const ErrorCode code = opened.error().code;
  if (code != ErrorCode::kParse && code != ErrorCode::kInvalid) return opened;
  if (const Status removed = Remove(file); !removed.ok()) return removed.error();
  return OpenFile(file, source, grid);
}

// Errors: kInvalid where the file is of another source, kParse where it is damaged.
Result<ImportStaging> ImportStaging::OpenFile(const std::string& file, const std::string& source, const Grid& grid) {
  Result<Connection> db = Connection::Open(file, Connection::Mode::kReadWrite);
  if (!db.ok()) return db.error();
  ImportStaging staging(std::move(db.value()), grid);
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
    Result<Statement> meta = db_.Prepare("INSERT INTO meta VALUES('source', ?1), ('id', hex(randomblob(16)))");
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
  Result<std::string> id = db_.QueryText("SELECT value FROM meta WHERE key = 'id'");
  if (!id.ok()) return Error{ErrorCode::kParse, id.error().message};
  id_ = std::move(id.value());
  Result<Statement> parts = db_.Prepare("SELECT name FROM part");
  if (!parts.ok()) return parts.error();
  Result<bool> row = parts.value().Step();
  for (; row.ok() && row.value(); row = parts.value().Step()) complete_.emplace(parts.value().Text(0));
  if (!row.ok()) return row.error();
  for (const auto& [statement, sql] : {
           std::pair{&add_, "INSERT INTO run VALUES(?1, ?2, ?3)"},
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
  entries_.clear();
  run_.clear();
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
  const StagedPlace place{grid_.NumberOf(time_seconds), id.value()};
  if (place != run_place_ || run_.size() >= kRunBytes) {
    if (Status written = WriteRun(); !written.ok()) return written;
    run_place_ = place;
  }
  AppendVarint(run_, grid_.PositionOf(time_seconds));
  AppendPoint(run_, point);
  ++entries_[time_seconds];
  return Status::Ok();
}

Status ImportStaging::WriteRun() {
  if (run_.empty()) return Status::Ok();
  Status written = add_.Bind(1, run_place_.chunk).Bind(2, run_place_.member_id).BindBlob(3, run_).Run();
  run_.clear();
  return written;
}

Status ImportStaging::EndPart(std::string_view part) {
  if (Status written = WriteRun(); !written.ok()) return written;
  Result<Statement> stamp =
      db_.Prepare("INSERT INTO stamp VALUES(?1, ?2) ON CONFLICT DO UPDATE SET entries = entries + excluded.entries");
  if (!stamp.ok()) return stamp.error();
  for (const auto& [time_seconds, entries] : entries_) {
    if (Status status = stamp.value().Bind(1, time_seconds).Bind(2, entries).Run(); !status.ok()) return status;
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

Result<ImportStaging::Count> ImportStaging::CountRange(std::int64_t start_seconds, std::int64_t end_seconds) {
  Result<Statement> count =
      db_.Prepare("SELECT count(*), coalesce(sum(entries), 0) FROM stamp WHERE time >= ?1 AND time < ?2");
  if (!count.ok()) return count.error();
  const Result<bool> row = count.value().Bind(1, start_seconds).Bind(2, end_seconds).Step();
  if (!row.ok()) return row.error();
  return Count{static_cast<std::size_t>(count.value().Int(0)), static_cast<std::size_t>(count.value().Int(1))};
}

Status ImportStaging::BeginReading(const StagedPlace& after, std::int64_t start_seconds) {
  if (Status status = ReadMembers(); !status.ok()) return status;
  Result<Statement> read = db_.Prepare(
      "SELECT chunk, member, points FROM run WHERE (chunk, member) > (?1, ?2) ORDER BY chunk, member, rowid");
  if (!read.ok()) return read.error();
  read_ = std::move(read.value());
  const StagedPlace before_start{grid_.NumberOf(start_seconds), 0};
  const StagedPlace from = std::max(after, before_start);
  read_.Bind(1, from.chunk).Bind(2, from.member_id);
  slice_.assign(static_cast<std::size_t>(grid_.positions), std::nullopt);
  start_seconds_ = start_seconds;
  return Advance();
}

Status ImportStaging::Advance() {
  const Result<bool> row = read_.Step();
  at_row_ = row.ok() && row.value();
  return row.ok() ? Status::Ok() : Status(row.error());
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

Result<bool> ImportStaging::Next(StagedSlice& out) {
  out.series.times_seconds.clear();
  out.series.points.clear();
  while (at_row_ && out.series.points.empty()) {
    out.place = PlaceOfRow();
    out.entries = 0;
    const auto member = members_.find(out.place.member_id);
    if (member == members_.end()) return Error{ErrorCode::kIo, "the staged entries are damaged"};
    out.series.member = member->second;
    while (at_row_ && PlaceOfRow() == out.place) {
      if (!TakeRun(read_.Blob(2), out)) return Error{ErrorCode::kIo, "the staged entries are damaged"};
      if (Status status = Advance(); !status.ok()) return status.error();
    }
    for (std::size_t position = 0; position < slice_.size(); ++position) {
      if (!slice_[position]) continue;
      out.series.times_seconds.push_back(TimeOf(grid_, out.place.chunk, position));
      out.series.points.push_back(*std::exchange(slice_[position], std::nullopt));
    }
  }
  return !out.series.points.empty();
}

// Into slice_, but for what is too old.
bool ImportStaging::TakeRun(std::string_view bytes, StagedSlice& out) {
  while (!bytes.empty()) {
    std::uint64_t position = 0;
    series::Point point;
    if (!TakeVarint(bytes, position) || position >= slice_.size() || !TakePoint(bytes, point)) return false;
    if (TimeOf(grid_, out.place.chunk, position) < start_seconds_) continue;
    ++out.entries;
    std::optional<series::Point>& first = slice_[position];
    if (first) {
      AddMissing(*first, point);
    } else {
      first = point;
    }
  }
  return true;
}

}  // namespace cloudmon::store
