// SPDX-License-Identifier: Apache-2.0
#include "aggregator/store/store.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <utility>

#include "aggregator/series/member_state.h"
#include "aggregator/series/rollup.h"
#include "aggregator/store/archive.h"
#include "aggregator/store/chunk_rows.h"
#include "aggregator/store/database.h"
#include "aggregator/store/directory.h"
#include "aggregator/store/head.h"
#include "aggregator/store/history.h"
#include "aggregator/store/read_back.h"
#include "aggregator/store/schema.h"
#include "aggregator/store/sealer.h"
#include "aggregator/store/writer.h"

namespace cloudmon::store {
namespace {

// What is stamped later is of a clock that was wrong: it stays in the database, but nothing goes on from it. The loop
// waits as long for a clock that was set back.
constexpr std::int64_t kMaxAheadSeconds = 5 * 60;

struct Opened {
  Connection db;
  Connection::Index index;
  std::unique_ptr<Head> head;
  std::optional<std::int64_t> newest_sealed_seconds;
};

// What is not newer than all that is sealed came late, to a gap, and what memory has no room for is older, as after a
// start with a smaller storage.head-points: both are sealed. That can wait for a disk that is full.
Result<std::size_t> SealOlder(Connection& db, std::int64_t interval_seconds, const Head& head) {
  const Result<std::size_t> sealed = SealJournal(db, interval_seconds, head.oldest_seconds().value_or(INT64_MAX));
  if (sealed.ok() || sealed.error().code == ErrorCode::kParse) return sealed;
  spdlog::error("storage: buckets cannot be sealed: {}; trying again", sealed.error().message);
  return 0;
}

Result<Opened> OpenAndReadBack(const std::string& file, const StoreOptions& options, const Clock& clock,
                               Connection::Index index = Connection::Index::kFile) {
  Result<Connection> db = OpenForWriting(file, options.interval_seconds, index);
  if (!db.ok()) return db.error();
  Opened opened{std::move(db.value()), index, std::make_unique<Head>(options.head_points), std::nullopt};
  const std::int64_t until_seconds = clock.NowMs() / 1000 + kMaxAheadSeconds - options.interval_seconds;
  Result<ChunkReader> reader = ChunkReader::Open(opened.db, options.interval_seconds);
  if (!reader.ok()) return Wrap(reader.error(), file);
  const auto newest = reader.value().NewestSeconds(until_seconds);
  if (!newest.ok()) return Wrap(newest.error(), file);
  opened.newest_sealed_seconds = newest.value();
  const Result<ReadBackReport> report = ReadBack(opened.db, *opened.head, newest.value().value_or(-1), until_seconds);
  if (!report.ok()) return Wrap(report.error(), file);
  const Result<std::size_t> sealed = SealOlder(opened.db, options.interval_seconds, *opened.head);
  if (!sealed.ok()) return Wrap(sealed.error(), file);
  spdlog::info("storage: {}: {} buckets read back, {} sealed", file, report.value().buckets, sealed.value());
  if (report.value().damaged_buckets > 0) {
    spdlog::warn("storage: {} damaged buckets were left out", report.value().damaged_buckets);
  }
  return opened;
}

Result<Opened> OpenOrSetAside(const std::string& file, const StoreOptions& options, const Clock& clock) {
  Result<Opened> opened = OpenAndReadBack(file, options, clock);
  if (opened.ok()) return opened;
  if (opened.error().code == ErrorCode::kInvalid) return opened;
  if (opened.error().code == ErrorCode::kIo) {
    Result<Opened> without_file = OpenAndReadBack(file, options, clock, Connection::Index::kMemory);
    if (without_file.ok()) {
      spdlog::error("storage: {}; make room there: until the next start no other process can read the database",
                    opened.error().message);
      return without_file;
    }
  }
  if (opened.error().code != ErrorCode::kParse) {
    return Wrap({opened.error().code, opened.error().message + "; make room there and let the aggregator's user write"},
                "storage.path");
  }
  const Result<std::string> aside = SetAside(file, clock.NowMs() / 1000);
  if (!aside.ok()) return Wrap(aside.error(), "storage.path: damaged, and cannot be renamed");
  spdlog::error(
      "storage: the database is damaged ({}); it is set aside as {} and an empty one is begun; `sqlite3 {} .dump` "
      "reads "
      "what is left of it: see the README",
      opened.error().message, aside.value(), aside.value());
  return OpenAndReadBack(file, options, clock);
}

class SqliteStore final : public Store {
 public:
  // `writer` has taken over the opened connection.
  SqliteStore(UniqueFd lock, std::string file, Opened opened, std::unique_ptr<Writer> writer,
              std::int64_t interval_seconds)
      : lock_(std::move(lock)),
        file_(std::move(file)),
        head_(std::move(opened.head)),
        writer_(std::move(writer)),
        newest_sealed_seconds_(opened.newest_sealed_seconds),
        archive_(file_, interval_seconds, opened.index),
        history_(*head_, archive_, interval_seconds) {}

  void Append(series::Bucket bucket) override {
    HeadBucketPtr kept = head_->Append(bucket);
    if (kept) {
      going_back_ = false;
      writer_->Enqueue(std::move(kept));
      return;
    }
    if (!std::exchange(going_back_, true)) {
      spdlog::warn("storage: bucket {} is older than all in memory (was the clock set back?)", bucket.time_seconds);
    }
    const Status stored = AppendSealed(std::move(bucket));
    if (!stored.ok() && !append_fails_) spdlog::error("storage: {}", stored.error().message);
    append_fails_ = !stored.ok();
  }

  Result<std::vector<SeriesSlice>> Select(const Selector& selector, std::int64_t start_seconds,
                                          std::int64_t end_seconds, series::FieldMask fields,
                                          std::size_t max_points) const override {
    return history_.Select(selector, start_seconds, end_seconds, fields, max_points);
  }

  bool Knows(const Selector& selector) const override { return history_.Knows(selector); }

  Status Amend(const std::vector<std::int64_t>& times_seconds,
               const std::function<void(series::Bucket&)>& change) override {
    std::vector<std::int64_t> sealed_seconds;
    for (const std::int64_t time_seconds : times_seconds) {
      if (HeadBucketPtr amended = head_->Amend(time_seconds, change)) {
        writer_->Enqueue(std::move(amended));
      } else {
        sealed_seconds.push_back(time_seconds);
      }
    }
    return ChangeSealed(std::move(sealed_seconds), change);
  }

  Status ForEach(const Selector& selector, std::int64_t start_seconds, std::int64_t end_seconds, const MemberLess& less,
                 std::size_t points_in_memory, const std::function<bool(SeriesSlice)>& take) const override {
    return history_.ForEach(selector, start_seconds, end_seconds, less, points_in_memory, take);
  }

  std::optional<std::int64_t> NewestBucket() const override {
    const auto newest = head_->newest_seconds();
    return newest ? newest : newest_sealed_seconds_;
  }

  std::vector<SeriesSlice> Tail() const override {
    const std::int64_t newest_seconds = NewestBucket().value_or(0);
    std::vector<SeriesSlice> tail;
    for (std::size_t i = 0; i < series::kKindCount; ++i) {
      const auto kind = static_cast<series::Kind>(i);
      const bool counted = kind == series::Kind::kPod || kind == series::Kind::kNode;
      const std::int64_t known_for_seconds = counted ? series::kForgetCountersSeconds : series::kForgetGroupSeconds;
      Result<std::vector<SeriesSlice>> last = history_.Tail(kind, newest_seconds - known_for_seconds, newest_seconds);
      if (last.ok()) {
        std::move(last.value().begin(), last.value().end(), std::back_inserter(tail));
      } else {
        spdlog::error("storage: totals begin anew: {}", last.error().message);
      }
    }
    return tail;
  }

  StoreStats Stats() const override {
    const WriterStats writer = writer_->Stats();
    StoreStats stats;
    stats.members = head_->members();
    stats.head_points = head_->points();
    stats.newest_bucket_seconds = NewestBucket().value_or(0);
    stats.oldest_bucket_seconds = head_->oldest_seconds().value_or(0);
    const std::int64_t stored_seconds = writer.oldest_stored_seconds;
    if (stats.oldest_bucket_seconds == 0 || (stored_seconds != 0 && stored_seconds < stats.oldest_bucket_seconds)) {
      stats.oldest_bucket_seconds = stored_seconds;
    }
    stats.buckets_written = writer.buckets_written;
    stats.write_failures = writer.write_failures;
    stats.buckets_lost = writer.buckets_lost + too_old_;
    stats.write_queue = writer.queue;
    stats.database_bytes = DatabaseBytes(file_);
    stats.available_bytes = AvailableBytes(file_);
    return stats;
  }

  void SetRetention(std::int64_t retention_seconds) override { writer_->SetRetention(retention_seconds); }

 private:
  [[nodiscard]] std::int64_t CutoffSeconds() const {
    return writer_->CutoffSeconds(head_->newest_seconds().value_or(INT64_MAX));
  }
  static Error TooOld(std::int64_t time_seconds) {
    return {ErrorCode::kInvalid,
            "bucket " + std::to_string(time_seconds) + " is older than what is kept (storage.retention)"};
  }

  Status AppendSealed(series::Bucket bucket) {
    if (bucket.time_seconds < CutoffSeconds()) {
      ++too_old_;
      return TooOld(bucket.time_seconds);
    }
    Status stored = writer_->ReplaceSealed(std::move(bucket));
    return stored.ok() ? stored : Wrap(stored.error(), file_);
  }

  Status ChangeSealed(std::vector<std::int64_t> times_seconds, const std::function<void(series::Bucket&)>& change) {
    const auto kept = std::lower_bound(times_seconds.begin(), times_seconds.end(), CutoffSeconds());
    const Status old = kept != times_seconds.begin() ? Status(TooOld(times_seconds.front())) : Status::Ok();
    times_seconds.erase(times_seconds.begin(), kept);
    if (times_seconds.empty()) return old;
    const Status changed = writer_->ChangeSealed(times_seconds, change);
    return changed.ok() ? old : Wrap(changed.error(), file_);
  }

  const UniqueFd lock_;
  const std::string file_;
  const std::unique_ptr<Head> head_;
  const std::unique_ptr<Writer> writer_;
  std::atomic<std::uint64_t> too_old_ = 0;                   // buckets
  bool going_back_ = false;                                  // the last bucket did; of the thread that appends
  bool append_fails_ = false;                                // the last bucket that went back; of the same thread
  const std::optional<std::int64_t> newest_sealed_seconds_;  // at the start
  const Archive
      archive_;  // after writer_: its connections are closed first, and the last one to close tidies up the file
  const History history_;
};

}  // namespace

Result<std::unique_ptr<Store>> Store::Open(const StoreOptions& options, const Clock& clock) {
  Result<UniqueFd> lock = LockDirectory(options.path);
  if (!lock.ok()) return lock.error();
  std::string file = (std::filesystem::path(options.path) / kDatabaseName).string();
  Result<Opened> opened = OpenOrSetAside(file, options, clock);
  if (!opened.ok()) return opened.error();
  const WriterOptions writing{.interval_seconds = options.interval_seconds,
                              .retention_seconds = options.retention_seconds,
                              .head_points = options.head_points};
  Result<std::unique_ptr<Writer>> writer =
      Writer::Start(std::move(opened.value().db), *opened.value().head, clock, writing);
  if (!writer.ok()) return Wrap(writer.error(), file);
  return std::unique_ptr<Store>(std::make_unique<SqliteStore>(std::move(lock.value()), std::move(file),
                                                              std::move(opened.value()), std::move(writer.value()),
                                                              options.interval_seconds));
}

}  // namespace cloudmon::store
