// SPDX-License-Identifier: Apache-2.0
#include "aggregator/store/bulk_import.h"

#include <algorithm>
#include <filesystem>
#include <unordered_set>
#include <utility>

#include "aggregator/store/directory.h"
#include "aggregator/store/schema.h"

namespace cloudmon::store {
namespace {

constexpr const char* kStagingName = "import.db";
// A batch is one transaction: large enough that syncing it costs little, small enough for the journal.
constexpr std::size_t kBatchBuckets = 64;
constexpr std::size_t kBatchEntries = 200'000;
// Clocks of machines differ a little.
constexpr std::int64_t kMaxAheadSeconds = 60;

std::string FileIn(const std::string& directory, const char* name) {
  return (std::filesystem::path(directory) / name).string();
}

// What was merged into a database that is no longer this one is to be merged again.
Status ForgetForeign(Connection& db, ImportStaging& staging) {
  if (staging.merged_seconds() == 0) return Status::Ok();
  const auto there =
      db.QueryInt("SELECT count(*) FROM bucket WHERE time = " + std::to_string(staging.merged_seconds()));
  if (!there.ok()) return there.error();
  return there.value() > 0 ? Status::Ok() : staging.SetMerged(0);
}

struct SameMember {
  bool operator()(const series::MemberPtr& a, const series::MemberPtr& b) const { return *a == *b; }
};
struct HashMember {
  std::size_t operator()(const series::MemberPtr& member) const {
    const std::hash<std::string> hash;
    return hash(member->pod) ^ (hash(member->deployment) * 3) ^ (hash(member->ns) * 5) ^ (hash(member->node) * 7);
  }
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
  // What is merged is forgotten by the staging file, so it must be on the disk by then.
  const Status synced = db.ok() ? db.value().Execute("PRAGMA synchronous=FULL") : Status(db.error());
  if (!synced.ok()) {
    return synced.error().code == ErrorCode::kInvalid ? synced.error() : Wrap(synced.error(), "storage.path");
  }
  Result<ImportStaging> staging = ImportStaging::Open(FileIn(options.path, kStagingName), source);
  Status begun = staging.ok() ? ForgetForeign(db.value(), staging.value()) : Status(staging.error());
  if (!begun.ok()) return Wrap(begun.error(), "storage.path");
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
  const Result<std::int64_t> stored = db_.QueryInt("SELECT coalesce(max(time), 0) FROM bucket");
  if (!stored.ok()) return stored;
  const Result<std::int64_t> staged = staging_->NewestSeconds();
  if (!staged.ok()) return staged;
  const std::int64_t newest_seconds = std::max(stored.value(), staged.value());
  return std::min(newest_seconds, clock_.NowMs() / 1000) - options_.retention_seconds;
}

Result<BulkImport::Report> BulkImport::Merge(const std::function<bool(std::size_t done, std::size_t total)>& progress) {
  const Result<std::int64_t> cutoff = CutoffSeconds();
  if (!cutoff.ok()) return Wrap(cutoff.error(), options_.path);
  const std::int64_t from_seconds = std::max<std::int64_t>(cutoff.value(), 0);
  const std::int64_t start_seconds = std::max(from_seconds, staging_->merged_seconds() + 1);
  const Result<std::size_t> too_old = staging_->CountBuckets(0, from_seconds);
  const Result<std::size_t> total = staging_->CountBuckets(from_seconds, INT64_MAX);
  const Result<std::size_t> left = staging_->CountBuckets(start_seconds, INT64_MAX);
  for (const Result<std::size_t>* count : {&too_old, &total, &left}) {
    if (!count->ok()) return Wrap(count->error(), staging_file_);
  }
  Result<Report> report = MergeFrom(start_seconds, total.value() - left.value(), total.value(), progress);
  if (!report.ok()) return Wrap(report.error(), options_.path);
  report.value().too_old_buckets = too_old.value();
  if (!report.value().complete) return report;
  staging_.reset();
  const Status removed = ImportStaging::Remove(staging_file_);
  if (!removed.ok()) return removed.error();
  return report;
}

Result<BulkImport::Report> BulkImport::MergeFrom(std::int64_t start_seconds, std::size_t done, std::size_t total,
                                                 const std::function<bool(std::size_t, std::size_t)>& progress) {
  Report report;
  if (!progress(done, total)) return report;
  if (const Status status = staging_->BeginReading(start_seconds); !status.ok()) return status.error();
  Result<BucketReader> reader = BucketReader::Open(db_);
  if (!reader.ok()) return reader.error();
  Result<BucketWriter> writer = BucketWriter::Open(db_);
  if (!writer.ok()) return writer.error();
  for (;;) {
    const Result<Batch> batch = MergeBatch(reader.value(), writer.value());
    if (!batch.ok()) return batch.error();
    report.buckets += batch.value().buckets;
    report.entries += batch.value().entries;
    report.complete = !batch.value().more;
    if (!report.complete) {
      if (const Status status = staging_->SetMerged(batch.value().last_seconds); !status.ok()) return status.error();
    }
    if (!progress(done + report.buckets, total) || report.complete) return report;
  }
}

Result<BulkImport::Batch> BulkImport::MergeBatch(BucketReader& reader, BucketWriter& writer) {
  Batch batch;
  Transaction transaction(db_);
  Status status = transaction.Begin();
  series::Bucket bucket;
  while (status.ok() && batch.buckets < kBatchBuckets && batch.entries < kBatchEntries) {
    const Result<bool> next = staging_->Next(bucket);
    if (!next.ok()) return next.error();
    if (!next.value()) {
      batch.more = false;
      break;
    }
    ++batch.buckets;
    batch.entries += bucket.entries.size();
    batch.last_seconds = bucket.time_seconds;
    status = MergeBucket(std::move(bucket), reader, writer);
  }
  if (status.ok()) status = transaction.Commit();
  if (!status.ok()) return status.error();
  writer.Committed();
  return batch;
}

Status BulkImport::MergeBucket(series::Bucket bucket, BucketReader& reader, BucketWriter& writer) {
  Result<series::Bucket> stored = reader.Read(bucket.time_seconds);
  if (!stored.ok()) return stored.error();
  if (!stored.value().entries.empty()) {
    std::unordered_set<series::MemberPtr, HashMember, SameMember> given;
    for (const series::Entry& entry : bucket.entries) given.insert(entry.member);
    for (series::Entry& entry : stored.value().entries) {
      if (!given.contains(entry.member)) bucket.entries.push_back(std::move(entry));
    }
  }
  return writer.Write(bucket);
}

}  // namespace cloudmon::store
