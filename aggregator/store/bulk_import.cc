// SPDX-License-Identifier: Apache-2.0
#include "aggregator/store/bulk_import.h"

#include <algorithm>
#include <filesystem>
#include <sstream>
#include <string>
#include <utility>

#include "aggregator/store/chunk_rows.h"
#include "aggregator/store/directory.h"
#include "aggregator/store/grid.h"
#include "aggregator/store/schema.h"
#include "aggregator/store/sealer.h"
#include "aggregator/store/series_table.h"

namespace cloudmon::store {
namespace {

constexpr const char* kStagingName = "import.db";
// Clocks of machines differ a little.
constexpr std::int64_t kMaxAheadSeconds = 60;

std::string FileIn(const std::string& directory, const char* name) {
  return (std::filesystem::path(directory) / name).string();
}

// How far the staged points are in the database: a row of its table `meta`, committed together with them. So what was
// merged into a database that is no longer this one is merged again.
struct Progress {
  std::int64_t from_seconds = 0;  // older ones were left out
  StagedPlace place;
  std::size_t entries = 0, points = 0;  // fewer points where entries are of the same member and time
};

// Nothing is done where it was of another staging file, or where more was left out.
Result<Progress> ReadProgress(Connection& db, const std::string& staging_id, std::int64_t from_seconds) {
  const Result<std::string> row = db.QueryText("SELECT coalesce((SELECT value FROM meta WHERE key = 'import'), '')");
  if (!row.ok()) return row.error();
  std::istringstream text(row.value());
  std::string id;
  Progress done;
  text >> id >> done.from_seconds >> done.place.chunk >> done.place.member_id >> done.entries >> done.points;
  if (text.fail() || id != staging_id || from_seconds < done.from_seconds) done = {};
  done.from_seconds = from_seconds;
  return done;
}

Status WriteProgress(Connection& db, const std::string& staging_id, const Progress& done) {
  std::ostringstream text;
  text << staging_id << ' ' << done.from_seconds << ' ' << done.place.chunk << ' ' << done.place.member_id << ' '
       << done.entries << ' ' << done.points;
  return db.Execute("INSERT OR REPLACE INTO meta VALUES('import', '" + text.str() + "')");
}

// Merges what is staged, from `done` on.
class Merger {
 public:
  static Result<Merger> Open(Connection& db, std::int64_t interval_seconds, ImportStaging& staging,
                             const Progress& done) {
    if (Status status = staging.BeginReading(done.place, done.from_seconds); !status.ok()) return status.error();
    Result<SeriesTable> series = SeriesTable::Open(db);
    if (!series.ok()) return series.error();
    Result<ChunkRows> rows = ChunkRows::Open(db, interval_seconds);
    if (!rows.ok()) return rows.error();
    return Merger(db, staging, std::move(series.value()), std::move(rows.value()), done);
  }

  // One transaction of so many points. Returns whether there is more.
  Result<bool> Step(std::size_t batch_points) {
    Transaction transaction(db_);
    Status status = transaction.Begin();
    bool more = true;
    for (const std::size_t end = done_.points + batch_points; status.ok() && more && done_.points < end;) {
      const Result<bool> next = staging_.Next(slice_);
      if (!next.ok()) return next;
      more = next.value();
      if (more) status = MergeSlice();
    }
    if (status.ok()) {
      status = more ? WriteProgress(db_, staging_.id(), done_) : db_.Execute("DELETE FROM meta WHERE key = 'import'");
    }
    if (status.ok()) status = transaction.Commit();
    return status.ok() ? Result<bool>(more) : status.error();
  }

  [[nodiscard]] const Progress& done() const { return done_; }

 private:
  Merger(Connection& db, ImportStaging& staging, SeriesTable series, ChunkRows rows, const Progress& done)
      : db_(db), staging_(staging), series_(std::move(series)), rows_(std::move(rows)), done_(done) {}

  Status MergeSlice() {
    const SeriesSlice& slice = slice_.series;
    const Result<std::int64_t> id = series_.Use(*slice.member, slice.times_seconds.front(), slice.times_seconds.back());
    if (!id.ok()) return id.error();
    done_.place = slice_.place;
    done_.entries += slice_.entries;
    done_.points += slice.points.size();
    return rows_.MergeIntoChunks(id.value(), slice.times_seconds, slice.points);
  }

  Connection& db_;
  ImportStaging& staging_;
  SeriesTable series_;
  ChunkRows rows_;
  Progress done_;
  StagedSlice slice_;
};

}  // namespace

BulkImport::BulkImport(const StoreOptions& options, UniqueFd lock, Connection db, ImportStaging staging,
                       const Clock& clock)
    : options_(options),
      clock_(clock),
      lock_(std::move(lock)),
      db_(std::move(db)),
      staging_file_(FileIn(options.path, kStagingName)),
      staging_(std::make_unique<ImportStaging>(std::move(staging))) {}

Result<std::unique_ptr<BulkImport>> BulkImport::Open(const StoreOptions& options, const std::string& source,
                                                     const Clock& clock) {
  Result<UniqueFd> lock = LockDirectory(options.path);
  if (!lock.ok()) return lock.error();
  Result<Connection> db = OpenForWriting(FileIn(options.path, kDatabaseName), options.interval_seconds);
  // What is merged must be on the disk before the staging file is deleted.
  const Status synced = db.ok() ? db.value().Execute("PRAGMA synchronous=FULL") : Status(db.error());
  if (!synced.ok()) {
    return synced.error().code == ErrorCode::kInvalid ? synced.error() : Wrap(synced.error(), "storage.path");
  }
  Result<ImportStaging> staging = ImportStaging::Open(FileIn(options.path, kStagingName),
                                                      std::to_string(options.interval_seconds) + " s\n" + source,
                                                      ChunkGrid(options.interval_seconds));
  if (!staging.ok()) return Wrap(staging.error(), "storage.path");
  return std::unique_ptr<BulkImport>(
      new BulkImport(options, std::move(lock.value()), std::move(db.value()), std::move(staging.value()), clock));
}

Status BulkImport::BeginPart(std::string_view part) {
  if (IsStaged(part)) return Error{ErrorCode::kInvalid, "'" + std::string(part) + "' is staged already"};
  part_ = part;
  const Status begun = staging_->BeginPart();
  return begun.ok() ? begun : Wrap(begun.error(), staging_file_);
}

Status BulkImport::Add(std::int64_t time_seconds, const series::Member& member, const series::Point& point) {
  if (time_seconds <= 0 || time_seconds % options_.interval_seconds != 0) {
    return Error{ErrorCode::kInvalid, "time " + std::to_string(time_seconds) + " is not a multiple of " +
                                          std::to_string(options_.interval_seconds) + " s, the scrape.interval"};
  }
  // An aggregator would take its own buckets for older ones, and leave them out, until it is that time.
  if (time_seconds > clock_.NowMs() / 1000 + kMaxAheadSeconds) {
    return Error{ErrorCode::kInvalid,
                 "the bucket lies in the future; local times need the TZ of the machine that wrote them"};
  }
  const Status added = staging_->Add(time_seconds, member, point);
  return added.ok() ? added : Wrap(added.error(), staging_file_);
}

Status BulkImport::EndPart() {
  const Status ended = staging_->EndPart(part_);
  return ended.ok() ? ended : Wrap(ended.error(), staging_file_);
}

// As Writer::CutoffSeconds(), for when all is merged.
Result<std::int64_t> BulkImport::CutoffSeconds() {
  const Result<std::int64_t> stored = db_.QueryInt(
      "SELECT max((SELECT coalesce(max(time), 0) FROM bucket), (SELECT coalesce(max(last_time), 0) FROM series))");
  if (!stored.ok()) return stored;
  const Result<std::int64_t> staged = staging_->NewestSeconds();
  if (!staged.ok()) return staged;
  const std::int64_t newest_seconds = std::max(stored.value(), staged.value());
  return std::min(newest_seconds, clock_.NowMs() / 1000) - options_.retention_seconds;
}

Result<BulkImport::Report> BulkImport::Merge(const std::function<bool(std::size_t done, std::size_t total)>& progress,
                                             std::size_t batch_points) {
  const Result<std::int64_t> cutoff = CutoffSeconds();
  if (!cutoff.ok()) return Wrap(cutoff.error(), options_.path);
  const std::int64_t from_seconds = std::max<std::int64_t>(cutoff.value(), 0);
  Result<Report> report = MergeFrom(from_seconds, batch_points, progress);
  if (!report.ok()) return Wrap(report.error(), options_.path);
  if (!report.value().complete) return report;
  if (const Status removed = Discard(); !removed.ok()) return removed.error();
  return report;
}

Status BulkImport::Discard() {
  staging_.reset();
  return ImportStaging::Remove(staging_file_);
}

Result<BulkImport::Report> BulkImport::MergeFrom(std::int64_t from_seconds, std::size_t batch_points,
                                                 const std::function<bool(std::size_t, std::size_t)>& progress) {
  const Result<Progress> begin = ReadProgress(db_, staging_->id(), from_seconds);
  if (!begin.ok()) return begin.error();
  const Result<ImportStaging::Count> too_old = staging_->CountRange(0, from_seconds);
  if (!too_old.ok()) return too_old.error();
  const Result<ImportStaging::Count> total = staging_->CountRange(from_seconds, INT64_MAX);
  if (!total.ok()) return total.error();
  const std::size_t entries = total.value().entries;
  // An earlier run may have left out less.
  auto tell = [&](const Progress& done) { return progress(std::min(done.entries, entries), entries); };
  Report report{begin.value().points, total.value().buckets, too_old.value().buckets, false};
  if (!tell(begin.value())) return report;
  const Result<std::size_t> sealed = SealJournal(db_, options_.interval_seconds, INT64_MAX);
  if (!sealed.ok()) return sealed.error();
  Result<Merger> merger = Merger::Open(db_, options_.interval_seconds, *staging_, begin.value());
  if (!merger.ok()) return merger.error();
  for (bool go_on = true; go_on && !report.complete; go_on = tell(merger.value().done())) {
    const Result<bool> more = merger.value().Step(batch_points);
    if (!more.ok()) return more.error();
    report.entries = merger.value().done().points;
    report.complete = !more.value();
  }
  return report;
}

}  // namespace cloudmon::store
