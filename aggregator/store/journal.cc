// SPDX-License-Identifier: Apache-2.0
#include "aggregator/store/journal.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace cloudmon::store {

Result<SeriesNumbers> SeriesNumbers::Open(Connection& db) {
  Result<SeriesTable> table = SeriesTable::Open(db);
  if (!table.ok()) return table.error();
  return SeriesNumbers(std::move(table.value()));
}

Result<SeriesIds> SeriesNumbers::Of(const HeadBucket& bucket, const Head& head) {
  const std::int64_t since_asked = bucket.time_seconds - asked_seconds_;
  const bool fresh = since_asked >= 0 && since_asked < kTouchSeconds / 2;
  for (std::size_t kind = 0; kind < series::kKindCount; ++kind) {
    const SlotsPtr& slots = bucket.blocks[kind].slots;
    if (fresh && ids_[kind] && slots == slots_[kind]) continue;
    auto ids = std::make_shared<std::vector<std::int64_t>>();
    ids->reserve(slots->size());
    for (const Slot slot : *slots) {
      const Result<std::int64_t> id = IdOf(slot, bucket.time_seconds, head);
      if (!id.ok()) return id.error();
      ids->push_back(id.value());
    }
    slots_[kind] = slots;
    ids_[kind] = std::move(ids);
  }
  if (!fresh) asked_seconds_ = bucket.time_seconds;
  return ids_;
}

Result<std::int64_t> SeriesNumbers::IdOf(Slot slot, std::int64_t time_seconds, const Head& head) {
  const auto found = known_.find(slot);
  const bool reached = found != known_.end() && time_seconds >= found->second.first_seconds &&
                       time_seconds <= found->second.last_seconds + kTouchSeconds / 2;
  if (reached) return found->second.id;
  const series::MemberPtr member = head.MemberOf(slot);
  if (!member) return Error{ErrorCode::kGone, "the bucket left the memory"};
  const Result<std::int64_t> id = table_.Use(*member, time_seconds, time_seconds);
  if (!id.ok()) return id.error();
  Row row{id.value(), time_seconds, time_seconds};
  if (found != known_.end()) {
    row.first_seconds = std::min(row.first_seconds, found->second.first_seconds);
    row.last_seconds = std::max(row.last_seconds, found->second.last_seconds);
  }
  changed_.emplace_back(slot, row);
  return id;
}

void SeriesNumbers::Committed() {
  for (const auto& [slot, row] : changed_) known_[slot] = row;
  changed_.clear();
}

void SeriesNumbers::RolledBack() {
  changed_.clear();
  ids_ = {};
}

void SeriesNumbers::Forget(const Head& head) {
  std::erase_if(known_, [&head](const auto& item) { return !head.MemberOf(item.first); });
}

Result<Journal> Journal::Open(Connection& db) {
  Journal journal;
  for (const auto& [statement, sql] : {
           std::pair{&journal.write_, "INSERT OR REPLACE INTO bucket(time, document) VALUES(?1, ?2)"},
           std::pair{&journal.delete_, "DELETE FROM bucket WHERE time = ?1"},
           std::pair{&journal.oldest_, "SELECT coalesce(min(time), 0) FROM bucket"},
       }) {
    Result<Statement> prepared = db.Prepare(sql);
    if (!prepared.ok()) return prepared.error();
    *statement = std::move(prepared.value());
  }
  return journal;
}

Status Journal::Write(const HeadBucket& bucket, const SeriesIds& ids) {
  std::array<DocumentBlock, series::kKindCount> blocks;
  for (std::size_t kind = 0; kind < series::kKindCount; ++kind) {
    blocks[kind] = {ids[kind].get(), &bucket.blocks[kind].columns};
  }
  const std::string document = EncodeBucket(blocks);
  return write_.Bind(1, bucket.time_seconds).BindBlob(2, document).Run();
}

Status Journal::Delete(std::int64_t time_seconds) {
  return delete_.Bind(1, time_seconds).Run();
}

Result<std::int64_t> Journal::OldestSeconds() {
  const Result<bool> row = oldest_.Step();
  const std::int64_t seconds = row.ok() && row.value() ? oldest_.Int(0) : 0;
  oldest_.Reset();
  if (!row.ok()) return row.error();
  return seconds;
}

Result<std::size_t> ReadJournal(
    Connection& db, std::int64_t after_seconds, std::int64_t until_seconds,
    const std::function<Result<bool>(std::int64_t time_seconds, BucketDocument document)>& take) {
  Result<Statement> rows =
      db.Prepare("SELECT time, document FROM bucket WHERE time > ?1 AND time <= ?2 ORDER BY time DESC");
  if (!rows.ok()) return rows.error();
  Statement& row = rows.value().Bind(1, after_seconds).Bind(2, until_seconds);
  std::size_t damaged = 0;
  for (;;) {
    const Result<bool> stepped = row.Step();
    if (!stepped.ok()) return stepped.error();
    if (!stepped.value()) return damaged;
    Result<BucketDocument> document = DecodeBucket(row.Blob(1));
    if (!document.ok()) {
      if (damaged++ == 0) spdlog::warn("storage: bucket {}: {}; left out", row.Int(0), document.error().message);
      continue;
    }
    const Result<bool> more = take(row.Int(0), std::move(document.value()));
    if (!more.ok()) return more.error();
    if (!more.value()) return damaged;
  }
}

}  // namespace cloudmon::store
