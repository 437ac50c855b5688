// SPDX-License-Identifier: Apache-2.0
#include "aggregator/store/series_rows.h"

#include <algorithm>
#include <utility>

namespace cloudmon::store {

Result<SeriesRows> SeriesRows::Open(Connection& db) {
  SeriesRows rows;
  for (const auto& [statement, sql] : {
           std::pair{&rows.insert_,
                     "INSERT INTO series(kind, node, namespace, deployment, pod, last_time) VALUES(?1,?2,?3,?4,?5,?6)"
                     " ON CONFLICT(kind, pod, namespace, deployment, node)"
                     " DO UPDATE SET last_time = max(last_time, excluded.last_time) RETURNING id"},
           std::pair{&rows.touch_, "UPDATE series SET last_time = ?2 WHERE id = ?1"},
           std::pair{&rows.delete_, "DELETE FROM series WHERE last_time < ?1"},
       }) {
    Result<Statement> prepared = db.Prepare(sql);
    if (!prepared.ok()) return prepared.error();
    *statement = std::move(prepared.value());
  }
  return rows;
}

Result<std::optional<std::int64_t>> SeriesRows::Insert(Slot slot, const series::Member& member,
                                                       std::int64_t time_seconds) {
  insert_.Bind(1, series::KindName(member.kind)).Bind(2, member.node).Bind(3, member.ns);
  insert_.Bind(4, member.deployment).Bind(5, member.pod).Bind(6, time_seconds);
  const Result<bool> row = insert_.Step();
  const std::int64_t id = row.ok() && row.value() ? insert_.Int(0) : 0;
  insert_.Reset();
  if (!row.ok()) return row.error();
  changed_.push_back({slot, {id, time_seconds}});
  return std::optional(id);
}

Result<std::optional<std::int64_t>> SeriesRows::Touch(Slot slot, std::int64_t id, std::int64_t time_seconds) {
  const Status status = touch_.Bind(1, id).Bind(2, time_seconds).Run();
  if (!status.ok()) return status.error();
  changed_.push_back({slot, {id, time_seconds}});
  return std::optional(id);
}

void SeriesRows::Committed() {
  for (const auto& [slot, row] : changed_) known_[slot] = row;
  changed_.clear();
}

Status SeriesRows::DeleteUnused(std::int64_t oldest_seconds, std::int64_t head_oldest_seconds) {
  const std::int64_t forget_seconds = std::max(oldest_seconds, head_oldest_seconds) - kTouchSeconds;
  std::erase_if(known_, [forget_seconds](const auto& item) { return item.second.last_seconds < forget_seconds; });
  return delete_.Bind(1, oldest_seconds - kTouchSeconds).Run();
}

}  // namespace cloudmon::store
