// SPDX-License-Identifier: Apache-2.0
#include "aggregator/store/store.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <utility>

#include "aggregator/store/archive.h"
#include "aggregator/store/directory.h"
#include "aggregator/store/head.h"
#include "aggregator/store/passes.h"
#include "aggregator/store/read_back.h"
#include "aggregator/store/schema.h"
#include "aggregator/store/select.h"
#include "aggregator/store/writer.h"

namespace cloudmon::store {
namespace {

struct Opened {
  Connection db;
  std::unique_ptr<Head> head;
};

Result<Opened> OpenAndReadBack(const std::string& file, const StoreOptions& options) {
  Result<Connection> db = OpenForWriting(file, options.interval_seconds);
  if (!db.ok()) return db.error();
  Opened opened{std::move(db.value()), std::make_unique<Head>(options.head_points)};
  const Result<ReadBackReport> report = ReadBack(opened.db, *opened.head);
  if (!report.ok()) return Wrap(report.error(), file);
  spdlog::info("storage: {}: {} buckets read back, {} documents left out", file, report.value().buckets,
               report.value().bad_documents);
  return opened;
}

Result<Opened> OpenOrSetAside(const std::string& file, const StoreOptions& options, const Clock& clock) {
  Result<Opened> opened = OpenAndReadBack(file, options);
  if (opened.ok()) return opened;
  if (opened.error().code == ErrorCode::kInvalid) return opened;
  if (opened.error().code != ErrorCode::kParse) {
    return Wrap({opened.error().code, opened.error().message + "; make room there and let the aggregator's user write"},
                "storage.path");
  }
  const Result<std::string> aside = SetAside(file, clock.NowMs() / 1000);
  if (!aside.ok()) return Wrap(aside.error(), "storage.path: damaged, and cannot be renamed");
  spdlog::error("storage: the database is damaged ({}); it is set aside as {} and an empty one is begun",
                opened.error().message, aside.value());
  return OpenAndReadBack(file, options);
}

class SqliteStore final : public Store {
 public:
  SqliteStore(UniqueFd lock, std::string file, std::unique_ptr<Head> head, std::unique_ptr<Writer> writer)
      : lock_(std::move(lock)),
        file_(std::move(file)),
        head_(std::move(head)),
        writer_(std::move(writer)),
        archive_(file_) {}

  void Append(series::Bucket bucket) override {
    HeadBucketPtr kept = head_->Append(bucket, writer_->CutoffSeconds(bucket.time_seconds));
    if (kept) {
      refusing_ = false;
      writer_->Enqueue(std::move(kept));
      return;
    }
    ++refused_;
    if (!refusing_.exchange(true)) {
      spdlog::warn(
          "storage: bucket {} is older than all in memory (was the clock set back?); such buckets are left out",
          bucket.time_seconds);
    }
  }

  Result<std::vector<SeriesSlice>> Select(const Selector& selector, std::int64_t start_seconds,
                                          std::int64_t end_seconds, std::size_t max_points) const override {
    const HeadView view = head_->View(selector.kind, start_seconds, end_seconds);
    Result<std::vector<SeriesSlice>> newer = SelectFromHead(view, selector, max_points);
    if (!newer.ok()) return newer;
    const std::int64_t before_seconds = Before(view, end_seconds);
    const std::int64_t oldest_stored_seconds = writer_->Stats().oldest_stored_seconds;
    if (start_seconds >= before_seconds || oldest_stored_seconds == 0 || oldest_stored_seconds >= before_seconds) {
      return newer;
    }
    std::size_t points = 0;
    for (const SeriesSlice& slice : newer.value()) points += slice.points.size();
    Result<std::vector<SeriesSlice>> older =
        archive_.Select(selector, start_seconds, before_seconds, max_points - points);
    if (!older.ok()) {
      return older.error().code == ErrorCode::kLimit ? TooManyPoints(max_points + 1, max_points) : older.error();
    }
    return Join(std::move(older.value()), std::move(newer.value()));
  }

  bool Knows(const Selector& selector) const override {
    if (!MatchingMembers(*head_->View(selector.kind, 0, 0).members, selector).empty()) return true;
    const Result<bool> stored = archive_.Knows(selector);
    if (!stored.ok()) spdlog::error("storage: {}", stored.error().message);
    return stored.ok() && stored.value();
  }

  Status Amend(std::int64_t time_seconds, const std::function<void(series::Bucket&)>& change) override {
    if (time_seconds < writer_->CutoffSeconds(head_->newest_seconds().value_or(INT64_MAX))) {
      return Error{ErrorCode::kInvalid,
                   "bucket " + std::to_string(time_seconds) + " is older than what is kept (storage.retention)"};
    }
    if (time_seconds >= head_->oldest_seconds().value_or(INT64_MAX)) {
      series::Bucket bucket = head_->Unpack(time_seconds);
      change(bucket);
      writer_->Enqueue(head_->Amend(bucket));
      return Status::Ok();
    }
    Result<series::Bucket> bucket = writer_->ReadStored(time_seconds);
    if (!bucket.ok()) return Wrap(bucket.error(), file_);
    change(bucket.value());
    const Status written = writer_->WriteStored(std::move(bucket.value()));
    if (!written.ok()) return Wrap(written.error(), file_);
    return written;
  }

  Status ForEach(const Selector& selector, std::int64_t start_seconds, std::int64_t end_seconds, const MemberLess& less,
                 std::size_t points_in_memory, const std::function<bool(SeriesSlice)>& take) const override {
    const HeadView view = head_->View(selector.kind, start_seconds, end_seconds);
    const Result<std::vector<series::MemberPtr>> stored = archive_.Members(selector, start_seconds);
    if (!stored.ok()) return stored.error();
    const Result<std::size_t> buckets = archive_.CountBuckets(selector.kind, start_seconds, Before(view, end_seconds));
    if (!buckets.ok()) return buckets.error();
    std::vector<series::MemberPtr> members;
    for (const KnownMember& known : MatchingMembers(*view.members, selector)) members.push_back(known.member);
    const auto read = [&](const std::vector<series::MemberPtr>& batch) {
      return SelectMembers(selector.kind, batch, start_seconds, end_seconds);
    };
    return ReadInPasses(Union(members, stored.value()), less, view.buckets.size() + buckets.value(), points_in_memory,
                        read, take);
  }

  std::optional<std::int64_t> NewestBucket() const override { return head_->newest_seconds(); }

  std::vector<SeriesSlice> Tail() const override {
    std::vector<SeriesSlice> tail;
    for (std::size_t kind = 0; kind < series::kKindCount; ++kind) {
      std::vector<SeriesSlice> last = LastPoints(head_->View(static_cast<series::Kind>(kind), 0, INT64_MAX));
      std::move(last.begin(), last.end(), std::back_inserter(tail));
    }
    return tail;
  }

  StoreStats Stats() const override {
    const WriterStats writer = writer_->Stats();
    StoreStats stats;
    stats.members = head_->members();
    stats.head_points = head_->points();
    stats.newest_bucket_seconds = head_->newest_seconds().value_or(0);
    stats.oldest_bucket_seconds = head_->oldest_seconds().value_or(0);
    const std::int64_t stored_seconds = writer.oldest_stored_seconds;
    if (stats.oldest_bucket_seconds == 0 || (stored_seconds != 0 && stored_seconds < stats.oldest_bucket_seconds)) {
      stats.oldest_bucket_seconds = stored_seconds;
    }
    stats.buckets_written = writer.buckets_written;
    stats.write_failures = writer.write_failures;
    stats.buckets_lost = writer.buckets_lost + refused_;
    stats.write_queue = writer.queue;
    stats.database_bytes = DatabaseBytes(file_);
    return stats;
  }

  void SetRetention(std::int64_t retention_seconds) override { writer_->SetRetention(retention_seconds); }

 private:
  // Where the head begins: what is before it is read from the database.
  static std::int64_t Before(const HeadView& view, std::int64_t end_seconds) {
    return std::min(end_seconds, view.oldest_seconds.value_or(end_seconds));
  }

  // As Select(), for members of one kind, ordered by member.
  Result<std::vector<SeriesSlice>> SelectMembers(series::Kind kind, const std::vector<series::MemberPtr>& members,
                                                 std::int64_t start_seconds, std::int64_t end_seconds) const {
    const HeadView view = head_->View(kind, start_seconds, end_seconds);
    Result<std::vector<SeriesSlice>> newer = SelectFromHead(view, kind, KnownOf(*view.members, members), SIZE_MAX);
    if (!newer.ok()) return newer;
    Result<std::vector<SeriesSlice>> older = archive_.Select(kind, members, start_seconds, Before(view, end_seconds));
    if (!older.ok()) return older;
    return Join(std::move(older.value()), std::move(newer.value()));
  }

  const UniqueFd lock_;
  const std::string file_;
  const std::unique_ptr<Head> head_;
  const std::unique_ptr<Writer> writer_;
  std::atomic<std::uint64_t> refused_ = 0;
  std::atomic<bool> refusing_ = false;  // the last bucket was
  const Archive archive_;  // last, so that its connections are closed first: the last one to close tidies up the file
};

}  // namespace

Result<std::unique_ptr<Store>> Store::Open(const StoreOptions& options, const Clock& clock) {
  Result<UniqueFd> lock = LockDirectory(options.path);
  if (!lock.ok()) return lock.error();
  std::string file = (std::filesystem::path(options.path) / kDatabaseName).string();
  Result<Opened> opened = OpenOrSetAside(file, options, clock);
  if (!opened.ok()) return opened.error();
  std::unique_ptr<Head> head = std::move(opened.value().head);
  Result<std::unique_ptr<Writer>> writer =
      Writer::Start(std::move(opened.value().db), *head, clock, options.interval_seconds, options.retention_seconds);
  if (!writer.ok()) return Wrap(writer.error(), file);
  return std::unique_ptr<Store>(std::make_unique<SqliteStore>(std::move(lock.value()), std::move(file), std::move(head),
                                                              std::move(writer.value())));
}

}  // namespace cloudmon::store
