// SPDX-License-Identifier: Apache-2.0
#include "aggregator/store/database_writer.h"

#include <map>
#include <utility>
#include <vector>

#include "aggregator/store/sealer.h"

namespace cloudmon::store {
namespace {

// Opens one of the parts and keeps it.
template <class Part, class... Args>
Status OpenInto(std::unique_ptr<Part>& out, Args&&... args) {
  Result<Part> opened = Part::Open(std::forward<Args>(args)...);
  if (!opened.ok()) return opened.error();
  out = std::make_unique<Part>(std::move(opened.value()));
  return Status::Ok();
}

}  // namespace

Result<std::unique_ptr<DatabaseWriter>> DatabaseWriter::Open(Connection& db, Head& head,
                                                             std::int64_t interval_seconds) {
  std::unique_ptr<DatabaseWriter> writer(new DatabaseWriter(db, head, interval_seconds));
  if (Status prepared = writer->Prepare(); !prepared.ok()) return prepared.error();
  return writer;
}

Status DatabaseWriter::Prepare() {
  Status status = OpenInto(series_, db_);
  if (status.ok()) status = OpenInto(numbers_, db_);
  if (status.ok()) status = OpenInto(journal_, db_);
  if (status.ok()) status = OpenInto(chunks_, db_, interval_seconds_);
  if (status.ok()) status = OpenInto(reader_, db_, interval_seconds_);
  if (status.ok()) status = OpenInto(retention_, db_, *chunks_);
  return status;
}

Status DatabaseWriter::Write(const HeadBucket& bucket) {
  Transaction transaction(db_);
  Status status = transaction.Begin();
  if (status.ok()) {
    const Result<SeriesIds> ids = numbers_->Of(bucket, head_);
    status = ids.ok() ? journal_->Write(bucket, ids.value()) : Status(ids.error());
  }
  if (status.ok()) status = transaction.Commit();
  if (status.ok()) {
    numbers_->Committed();
  } else {
    numbers_->RolledBack();
  }
  return status;
}

Result<bool> DatabaseWriter::Seal(std::int64_t before_seconds) {
  if (Status orphans = SealOrphans(); !orphans.ok()) return orphans.error();
  const std::vector<HeadBucketPtr> buckets = head_.Before(before_seconds);
  if (buckets.empty()) return false;
  Transaction transaction(db_);
  Status status = transaction.Begin();
  if (status.ok()) status = SealInTransaction(buckets, before_seconds);
  if (status.ok()) status = transaction.Commit();
  if (!status.ok()) {
    numbers_->RolledBack();
    return status.error();
  }
  numbers_->Committed();
  const bool again = !head_.DropSealed(buckets);
  numbers_->Forget(head_.oldest_seconds().value_or(0));
  return again;
}

// Buckets that left a full head before they were sealed, while the database could not be written.
Status DatabaseWriter::SealOrphans() {
  const Result<std::int64_t> oldest = journal_->OldestSeconds();
  if (!oldest.ok()) return oldest.error();
  const std::int64_t head_seconds = head_.oldest_seconds().value_or(INT64_MAX);
  if (oldest.value() == 0 || oldest.value() >= head_seconds) return Status::Ok();
  const Result<std::size_t> sealed = SealJournal(db_, interval_seconds_, head_seconds);
  return sealed.ok() ? Status::Ok() : Status(sealed.error());
}

Status DatabaseWriter::SealInTransaction(const std::vector<HeadBucketPtr>& buckets, std::int64_t before_seconds) {
  std::vector<SeriesIds> ids;  // keeps alive what `numbered` points to
  std::vector<NumberedBucket> numbered;
  for (const HeadBucketPtr& bucket : buckets) {
    Result<SeriesIds> of_bucket = numbers_->Of(*bucket, head_);
    if (!of_bucket.ok()) return of_bucket.error();
    ids.push_back(std::move(of_bucket.value()));
    NumberedBucket& out = numbered.emplace_back(NumberedBucket{bucket->time_seconds, {}});
    for (std::size_t kind = 0; kind < series::kKindCount; ++kind) {
      out.blocks[kind] = {ids.back()[kind].get(), &bucket->blocks[kind].columns};
    }
  }
  Status sealed = SealBuckets(*chunks_, numbered);
  return sealed.ok() ? journal_->DeleteBefore(before_seconds) : sealed;
}

Result<series::Bucket> DatabaseWriter::ReadSealed(std::int64_t time_seconds) {
  Status status = SealOrphans();
  if (!status.ok()) return status.error();
  series::Bucket bucket{time_seconds, {}};
  for (std::size_t kind = 0; kind < series::kKindCount; ++kind) {
    const std::int64_t end_seconds = time_seconds + interval_seconds_;
    const Selector all{static_cast<series::Kind>(kind), {}, {}, {}, {}};
    const Result<std::vector<StoredSeries>> members = series_->Find(all, time_seconds, end_seconds);
    if (!members.ok()) return members.error();
    for (const StoredSeries& stored : members.value()) {
      SeriesSlice slice;
      status = reader_->Read(stored, time_seconds, end_seconds, kAllFields, slice);
      if (!status.ok()) return status.error();
      if (!slice.points.empty()) bucket.entries.push_back({stored.member, slice.points.front()});
    }
  }
  return bucket;
}

Status DatabaseWriter::ChangeSealed(const series::Bucket& before, const series::Bucket& after) {
  Transaction transaction(db_);
  Status status = transaction.Begin();
  if (status.ok()) status = ChangeInTransaction(before, after);
  return status.ok() ? transaction.Commit() : status;
}

Status DatabaseWriter::ChangeInTransaction(const series::Bucket& before, const series::Bucket& after) {
  const std::int64_t time_seconds = after.time_seconds;
  std::map<series::Member, series::Point> gone;
  for (const series::Entry& entry : before.entries) gone.emplace(*entry.member, entry.point);
  for (const series::Entry& entry : after.entries) {
    const auto old = gone.find(*entry.member);
    const bool same = old != gone.end() && old->second == entry.point;
    if (old != gone.end()) gone.erase(old);
    if (same) continue;
    const Result<std::int64_t> id = series_->Use(*entry.member, time_seconds, time_seconds);
    if (!id.ok()) return id.error();
    Status merged = chunks_->Merge(id.value(), std::span(&time_seconds, 1), std::span(&entry.point, 1));
    if (!merged.ok()) return merged;
  }
  for (const auto& [member, point] : gone) {
    const Result<std::optional<StoredSeries>> stored = series_->Find(member);
    if (!stored.ok()) return stored.error();
    if (!stored.value()) continue;
    Status erased = chunks_->Erase(stored.value()->id, time_seconds);
    if (!erased.ok()) return erased;
  }
  return Status::Ok();
}

Result<bool> DatabaseWriter::Housekeep(std::int64_t cutoff_seconds) {
  const Result<bool> old = retention_->Step(cutoff_seconds);
  if (!old.ok() || old.value()) return old;
  const Result<bool> parts = chunks_->CompactStep(head_.oldest_seconds().value_or(0));
  if (!parts.ok() || parts.value()) return parts;
  const std::int64_t since_series = cutoff_seconds - series_cutoff_seconds_;
  if (since_series >= 0 && since_series < kTouchSeconds) return false;
  Result<bool> more = series_->DeleteStep(cutoff_seconds);
  if (more.ok() && !more.value()) series_cutoff_seconds_ = cutoff_seconds;
  return more;
}

Result<std::int64_t> DatabaseWriter::OldestSeconds() {
  const Result<std::optional<std::int64_t>> sealed = reader_->OldestSeconds();
  if (!sealed.ok()) return sealed.error();
  return sealed.value() ? Result<std::int64_t>(*sealed.value()) : journal_->OldestSeconds();
}

}  // namespace cloudmon::store
