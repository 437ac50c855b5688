// SPDX-License-Identifier: Apache-2.0
#include "aggregator/store/database_writer.h"

#include <algorithm>
#include <utility>

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

// A bucket is in the journal or in parts: a document beside parts could not say which of their points are no more.
Status DatabaseWriter::Write(const HeadBucketPtr& bucket) {
  const auto sealed = sealed_.find(bucket->time_seconds);
  Transaction transaction(db_);
  Status status = transaction.Begin();
  if (status.ok() && sealed != sealed_.end()) {
    status = WriteAmended(*sealed->second, *bucket);
  } else if (status.ok()) {
    const Result<SeriesIds> ids = numbers_->Of(*bucket, head_);
    status = ids.ok() ? journal_->Write(*bucket, ids.value()) : Status(ids.error());
  }
  if (status.ok()) status = transaction.Commit();
  if (status.ok()) {
    numbers_->Committed();
    if (sealed != sealed_.end()) sealed->second = bucket;
  } else {
    numbers_->RolledBack();
  }
  return status;
}

Status DatabaseWriter::Seal(std::int64_t before_seconds) {
  for (;;) {
    const std::vector<HeadBucketPtr> buckets = head_.Before(before_seconds);
    if (buckets.empty()) return Status::Ok();
    if (Status sealed = SealAll(buckets); !sealed.ok()) return sealed;
    if (!head_.DropSealed(buckets)) continue;  // one was amended meanwhile
    sealed_.clear();
    numbers_->Forget(head_);
    return Status::Ok();
  }
}

// Those that are sealed already, but were amended since, are changed: a point that is no longer there must go.
Status DatabaseWriter::SealAll(const std::vector<HeadBucketPtr>& buckets) {
  std::vector<HeadBucketPtr> fresh;
  Transaction transaction(db_);
  Status status = transaction.Begin();
  for (const HeadBucketPtr& bucket : buckets) {
    const auto known = sealed_.find(bucket->time_seconds);
    if (known == sealed_.end()) {
      fresh.push_back(bucket);
    } else if (status.ok() && known->second != bucket) {
      status = WriteAmended(*known->second, *bucket);
    }
  }
  if (status.ok()) status = SealFresh(fresh);
  // Of others the journal may be all that there is.
  for (const HeadBucketPtr& bucket : fresh) {
    if (status.ok()) status = journal_->Delete(bucket->time_seconds);
  }
  if (status.ok()) status = transaction.Commit();
  if (!status.ok()) {
    numbers_->RolledBack();
    return status;
  }
  numbers_->Committed();
  for (const HeadBucketPtr& bucket : buckets) sealed_[bucket->time_seconds] = bucket;
  return status;
}

Status DatabaseWriter::SealOrphans() {
  const Result<std::int64_t> oldest = journal_->OldestSeconds();
  if (!oldest.ok()) return oldest.error();
  const std::int64_t head_seconds = head_.oldest_seconds().value_or(INT64_MAX);
  if (oldest.value() == 0 || oldest.value() >= head_seconds) return Status::Ok();
  const Result<std::size_t> sealed = SealJournal(db_, interval_seconds_, head_seconds);
  return sealed.ok() ? Status::Ok() : Status(sealed.error());
}

Status DatabaseWriter::SealFresh(const std::vector<HeadBucketPtr>& buckets) {
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
  return SealBuckets(*chunks_, numbered);
}

Result<std::vector<series::Bucket>> DatabaseWriter::ReadSealed(std::span<const std::int64_t> times_seconds) {
  std::vector<series::Bucket> buckets;
  for (const std::int64_t time_seconds : times_seconds) buckets.push_back({time_seconds, {}});
  if (buckets.empty()) return buckets;
  if (Status orphans = SealOrphans(); !orphans.ok()) return orphans.error();
  const std::int64_t end_seconds = times_seconds.back() + interval_seconds_;
  reader_->Begin();
  for (std::size_t kind = 0; kind < series::kKindCount; ++kind) {
    const Selector all{static_cast<series::Kind>(kind), {}, {}, {}, {}};
    const Result<std::vector<StoredSeries>> members = series_->Find(all, times_seconds.front(), end_seconds);
    if (!members.ok()) return members.error();
    for (const StoredSeries& stored : members.value()) {
      SeriesSlice slice;
      const Status read = reader_->Read(stored, times_seconds.front(), end_seconds, series::kAllFields, slice);
      if (!read.ok()) return read.error();
      for (std::size_t i = 0; i < slice.points.size(); ++i) {
        const auto at = std::lower_bound(times_seconds.begin(), times_seconds.end(), slice.times_seconds[i]);
        if (at == times_seconds.end() || *at != slice.times_seconds[i]) continue;
        buckets[static_cast<std::size_t>(at - times_seconds.begin())].entries.push_back(
            {stored.member, slice.points[i]});
      }
    }
  }
  return buckets;
}

Status DatabaseWriter::ChangeSealed(const std::vector<series::Bucket>& before,
                                    const std::vector<series::Bucket>& after) {
  Transaction transaction(db_);
  Status status = transaction.Begin();
  if (status.ok()) status = WriteChanges(before, after);
  return status.ok() ? transaction.Commit() : status;
}

Status DatabaseWriter::WriteAmended(const HeadBucket& sealed, const HeadBucket& amended) {
  const Result<series::Bucket> before = Unpack(sealed);
  if (!before.ok()) return before.error();
  const Result<series::Bucket> after = Unpack(amended);
  return after.ok() ? WriteChanges({before.value()}, {after.value()}) : Status(after.error());
}

// Error: kGone where a head that is full has dropped the bucket, and no longer names its members.
Result<series::Bucket> DatabaseWriter::Unpack(const HeadBucket& bucket) const {
  series::Bucket unpacked = head_.Unpack(bucket);
  const bool gone = std::ranges::any_of(unpacked.entries, [](const series::Entry& entry) { return !entry.member; });
  if (gone) return Error{ErrorCode::kGone, "the bucket left the memory"};
  return unpacked;
}

Status DatabaseWriter::WriteChanges(const std::vector<series::Bucket>& before,
                                    const std::vector<series::Bucket>& after) {
  for (const SeriesChange& change : ChangesOf(before, after)) {
    if (Status written = WriteChange(change); !written.ok()) return written;
  }
  return Status::Ok();
}

Status DatabaseWriter::WriteChange(const SeriesChange& change) {
  if (!change.times_seconds.empty()) {
    const Result<std::int64_t> id =
        series_->Use(*change.member, change.times_seconds.front(), change.times_seconds.back());
    if (!id.ok()) return id.error();
    if (Status merged = chunks_->Merge(id.value(), change.times_seconds, change.points); !merged.ok()) return merged;
  }
  if (change.gone_seconds.empty()) return Status::Ok();
  const Result<std::optional<StoredSeries>> stored = series_->Find(*change.member);
  if (!stored.ok()) return stored.error();
  return stored.value() ? chunks_->Erase(stored.value()->id, change.gone_seconds) : Status::Ok();
}

Result<bool> DatabaseWriter::Housekeep(std::int64_t cutoff_seconds) {
  const Result<bool> old = retention_->Step(cutoff_seconds);
  if (!old.ok() || old.value()) return old;
  const Result<bool> parts = chunks_->CompactStep(head_.oldest_seconds().value_or(0));
  if (!parts.ok() || parts.value()) return parts;
  const std::int64_t since_series = cutoff_seconds - series_cutoff_seconds_;
  if (since_series >= 0 && since_series < kTouchSeconds) return false;
  // The head and the journal may name older ones.
  Result<bool> more = series_->DeleteStep(std::min(cutoff_seconds, head_.oldest_seconds().value_or(cutoff_seconds)));
  if (more.ok() && !more.value()) series_cutoff_seconds_ = cutoff_seconds;
  return more;
}

Result<std::int64_t> DatabaseWriter::OldestSeconds() {
  const Result<std::optional<std::int64_t>> sealed = reader_->OldestSeconds();
  if (!sealed.ok()) return sealed.error();
  return sealed.value() ? Result<std::int64_t>(*sealed.value()) : journal_->OldestSeconds();
}

}  // namespace cloudmon::store
