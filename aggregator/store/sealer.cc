// SPDX-License-Identifier: Apache-2.0
#include "aggregator/store/sealer.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

#include "aggregator/store/grid.h"

namespace cloudmon::store {
namespace {

// The rows of one bucket and kind in the order of their series' numbers.
class Cursor {
 public:
  Cursor(std::int64_t time_seconds, const DocumentBlock& block)
      : time_seconds_(time_seconds), block_(&block), rows_(block.ids->size()) {
    std::iota(rows_.begin(), rows_.end(), 0U);
    const auto by_id = [this](std::uint32_t a, std::uint32_t b) { return (*block_->ids)[a] < (*block_->ids)[b]; };
    if (!std::is_sorted(rows_.begin(), rows_.end(), by_id)) std::sort(rows_.begin(), rows_.end(), by_id);
  }

  [[nodiscard]] bool done() const { return at_ == rows_.size(); }
  [[nodiscard]] std::int64_t id() const { return (*block_->ids)[rows_[at_]]; }
  [[nodiscard]] std::int64_t time_seconds() const { return time_seconds_; }
  series::Point Take() { return block_->columns->Row(rows_[at_++]); }

 private:
  std::int64_t time_seconds_;
  const DocumentBlock* block_;
  std::vector<std::uint32_t> rows_;
  std::size_t at_ = 0;
};

Status SealKind(ChunkRows& rows, std::vector<Cursor> cursors) {
  std::vector<std::int64_t> times_seconds;
  std::vector<series::Point> points;
  for (;;) {
    std::int64_t next_id = INT64_MAX;
    for (const Cursor& cursor : cursors) {
      if (!cursor.done()) next_id = std::min(next_id, cursor.id());
    }
    if (next_id == INT64_MAX) return Status::Ok();
    times_seconds.clear();
    points.clear();
    for (Cursor& cursor : cursors) {
      if (cursor.done() || cursor.id() != next_id) continue;
      times_seconds.push_back(cursor.time_seconds());
      points.push_back(cursor.Take());
    }
    if (Status merged = rows.Merge(next_id, times_seconds, points); !merged.ok()) return merged;
  }
}

struct Document {
  std::int64_t time_seconds;
  BucketDocument document;

  [[nodiscard]] NumberedBucket Numbered() const {
    NumberedBucket bucket{time_seconds, {}};
    for (std::size_t kind = 0; kind < series::kKindCount; ++kind) {
      bucket.blocks[kind] = {&document.blocks[kind].ids, &document.blocks[kind].columns};
    }
    return bucket;
  }
};

// Reads the journal's oldest buckets and seals them.
class JournalSealer {
 public:
  static Result<JournalSealer> Open(Connection& db, std::int64_t interval_seconds) {
    JournalSealer sealer(db);
    Result<ChunkRows> rows = ChunkRows::Open(db, interval_seconds);
    if (!rows.ok()) return rows.error();
    sealer.rows_ = std::make_unique<ChunkRows>(std::move(rows.value()));
    for (const auto& [statement, sql] : {
             std::pair{&sealer.read_, "SELECT time, document FROM bucket WHERE time < ?1 ORDER BY time LIMIT ?2"},
             std::pair{&sealer.delete_, "DELETE FROM bucket WHERE time <= ?1"},
         }) {
      Result<Statement> prepared = db.Prepare(sql);
      if (!prepared.ok()) return prepared.error();
      *statement = std::move(prepared.value());
    }
    return sealer;
  }

  // Returns how many rows there were; 0: none is left.
  Result<std::size_t> Step(std::int64_t before_seconds) {
    Transaction transaction(*db_);
    Status status = transaction.Begin();
    if (status.ok()) status = Read(before_seconds);
    if (!status.ok()) return status.error();
    if (count_ == 0) return count_;
    std::vector<NumberedBucket> buckets;
    for (const Document& document : documents_) buckets.push_back(document.Numbered());
    status = SealBuckets(*rows_, buckets);
    if (status.ok()) status = delete_.Bind(1, last_seconds_).Run();
    if (status.ok()) status = transaction.Commit();
    if (!status.ok()) return status.error();
    return count_;
  }

 private:
  explicit JournalSealer(Connection& db) : db_(&db) {}

  Status Read(std::int64_t before_seconds) {
    documents_.clear();
    count_ = 0;
    read_.Bind(1, before_seconds).Bind(2, kPartPositions);
    Result<bool> row = read_.Step();
    for (; row.ok() && row.value(); row = read_.Step()) {
      ++count_;
      last_seconds_ = read_.Int(0);
      Result<BucketDocument> document = DecodeBucket(read_.Blob(1));
      if (document.ok()) {
        documents_.push_back({last_seconds_, std::move(document.value())});
      } else {
        spdlog::warn("storage: bucket {}: {}; left out", last_seconds_, document.error().message);
      }
    }
    read_.Reset();
    return row.ok() ? Status::Ok() : Status(row.error());
  }

  Connection* db_;
  std::unique_ptr<ChunkRows> rows_;
  Statement read_, delete_;
  std::vector<Document> documents_;
  std::size_t count_ = 0;
  std::int64_t last_seconds_ = 0;
};

}  // namespace

Status SealBuckets(ChunkRows& rows, std::span<const NumberedBucket> buckets) {
  for (std::size_t kind = 0; kind < series::kKindCount; ++kind) {
    std::vector<Cursor> cursors;
    for (const NumberedBucket& bucket : buckets) {
      if (bucket.blocks[kind].ids != nullptr) cursors.emplace_back(bucket.time_seconds, bucket.blocks[kind]);
    }
    if (Status sealed = SealKind(rows, std::move(cursors)); !sealed.ok()) return sealed;
  }
  return Status::Ok();
}

Result<std::size_t> SealJournal(Connection& db, std::int64_t interval_seconds, std::int64_t before_seconds) {
  Result<JournalSealer> sealer = JournalSealer::Open(db, interval_seconds);
  if (!sealer.ok()) return sealer.error();
  std::size_t sealed = 0;
  for (;;) {
    const Result<std::size_t> step = sealer.value().Step(before_seconds);
    if (!step.ok()) return step;
    if (step.value() == 0) return sealed;
    sealed += step.value();
  }
}

}  // namespace cloudmon::store
