// SPDX-License-Identifier: Apache-2.0
#include "aggregator/store/series_table.h"

#include <zlib.h>

#include <algorithm>
#include <string>
#include <utility>

#include "aggregator/store/select.h"

namespace cloudmon::store {
namespace {

// Pods, which are many, have their numbers apart from the others, whose rows in a part or chunk then lie together: to
// read all deployments takes few pages.
constexpr std::int64_t kFirstPodId = std::int64_t{1} << 24;
constexpr std::int64_t kEndId = std::int64_t{1} << 32;
constexpr std::int64_t kIdsPerStep = 10'000;
constexpr const char* kColumns = "id, kind, node, namespace, deployment, pod, first_time, last_time";

// What a member is called among those of its kind.
template <class Names>
const std::string& OwnName(series::Kind kind, const Names& names) {
  switch (kind) {
    case series::Kind::kPod:
      return names.pod;
    case series::Kind::kDeployment:
      return names.deployment;
    case series::Kind::kNamespace:
      return names.ns;
    case series::Kind::kNode:
    case series::Kind::kCluster:
      break;
  }
  return names.node;
}

std::int64_t HashOf(const std::string& name) {
  return static_cast<std::int64_t>(::crc32_z(0, reinterpret_cast<const Bytef*>(name.data()), name.size()));
}

std::optional<series::Kind> KindByName(std::string_view name) {
  for (std::size_t i = 0; i < series::kKindCount; ++i) {
    const auto kind = static_cast<series::Kind>(i);
    if (name == series::KindName(kind)) return kind;
  }
  return std::nullopt;
}

// The row that a statement over kColumns stands on; nullopt where its kind is not known: it is damaged.
std::optional<StoredSeries> SeriesOf(const Statement& row) {
  const auto kind = KindByName(row.Text(1));
  if (!kind) return std::nullopt;
  auto text = [&row](int column) { return std::string(row.Text(column)); };
  return StoredSeries{row.Int(0),
                      std::make_shared<const series::Member>(series::Member{*kind, text(2), text(3), text(4), text(5)}),
                      row.Int(6), row.Int(7)};
}

bool IsMember(const Statement& row, const series::Member& member) {
  return row.Text(2) == member.node && row.Text(3) == member.ns && row.Text(4) == member.deployment &&
         row.Text(5) == member.pod;
}

}  // namespace

Result<SeriesTable> SeriesTable::Open(Connection& db) {
  SeriesTable table(db);
  const std::string select = std::string("SELECT ") + kColumns + " FROM series ";
  const std::string in_range = "WHERE kind = ?1 AND first_time < ?2 AND last_time > ?3";
  for (const auto& [statement, sql] : {
           std::pair{&table.by_name_, select + "INDEXED BY series_name WHERE kind = ?1 AND name_hash = ?2"},
           std::pair{&table.named_, select + "INDEXED BY series_name " + in_range + " AND name_hash = ?4"},
           std::pair{&table.of_kind_, select + "INDEXED BY series_name " + in_range},
           std::pair{&table.scan_, select + "NOT INDEXED " + in_range},
           std::pair{&table.by_id_, select + "WHERE id = ?1"},
           std::pair{&table.insert_,
                     std::string("INSERT INTO series(id, kind, name_hash, node, namespace, deployment, pod, first_time,"
                                 " last_time) VALUES(?9, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")},
           std::pair{&table.last_id_, std::string("SELECT max(id) FROM series WHERE id >= ?1 AND id < ?2")},
           std::pair{&table.widen_, std::string("UPDATE series SET first_time = min(first_time, ?2),"
                                                " last_time = max(last_time, ?3) WHERE id = ?1")},
           std::pair{&table.delete_, std::string("DELETE FROM series WHERE id >= ?1 AND id < ?2 AND last_time < ?3")},
       }) {
    Result<Statement> prepared = db.Prepare(sql);
    if (!prepared.ok()) return prepared.error();
    *statement = std::move(prepared.value());
  }
  return table;
}

Result<std::int64_t> SeriesTable::Use(const series::Member& member, std::int64_t first_seconds,
                                      std::int64_t last_seconds) {
  const auto known = FindRow(member);
  if (!known.ok()) return known.error();
  if (!known.value()) return Insert(member, first_seconds, last_seconds);
  const Row& row = *known.value();
  if (first_seconds < row.first_seconds || last_seconds > row.last_seconds) {
    const Status widened = widen_.Bind(1, row.id).Bind(2, first_seconds).Bind(3, last_seconds).Run();
    if (!widened.ok()) return widened.error();
  }
  return row.id;
}

Result<std::int64_t> SeriesTable::Insert(const series::Member& member, std::int64_t first_seconds,
                                         std::int64_t last_seconds) {
  const Result<std::int64_t> id = NewId(member.kind);
  if (!id.ok()) return id;
  insert_.Bind(1, series::KindName(member.kind)).Bind(2, HashOf(OwnName(member.kind, member)));
  insert_.Bind(3, member.node).Bind(4, member.ns).Bind(5, member.deployment).Bind(6, member.pod);
  const Status inserted = insert_.Bind(7, first_seconds).Bind(8, last_seconds).Bind(9, id.value()).Run();
  if (!inserted.ok()) return inserted.error();
  return id;
}

Result<std::int64_t> SeriesTable::NewId(series::Kind kind) {
  const bool is_pod = kind == series::Kind::kPod;
  const std::int64_t first = is_pod ? kFirstPodId : 1;
  const std::int64_t end = is_pod ? kEndId : kFirstPodId;
  const Result<bool> row = last_id_.Bind(1, first).Bind(2, end).Step();
  const std::int64_t last = row.ok() && row.value() ? last_id_.Int(0) : 0;
  last_id_.Reset();
  if (!row.ok()) return row.error();
  const std::int64_t id = std::max(first, last + 1);
  if (id == end) return Error{ErrorCode::kLimit, "there are no numbers left for series: begin a new database"};
  return id;
}

Result<std::optional<SeriesTable::Row>> SeriesTable::FindRow(const series::Member& member) {
  by_name_.Bind(1, series::KindName(member.kind)).Bind(2, HashOf(OwnName(member.kind, member)));
  Result<bool> row = by_name_.Step();
  while (row.ok() && row.value() && !IsMember(by_name_, member)) row = by_name_.Step();
  std::optional<Row> found;
  if (row.ok() && row.value()) found = Row{by_name_.Int(0), by_name_.Int(6), by_name_.Int(7)};
  by_name_.Reset();
  if (!row.ok()) return row.error();
  return found;
}

Result<std::optional<StoredSeries>> SeriesTable::Find(const series::Member& member) {
  const auto row = FindRow(member);
  if (!row.ok()) return row.error();
  if (!row.value()) return std::optional<StoredSeries>();
  return std::optional(StoredSeries{row.value()->id, std::make_shared<const series::Member>(member),
                                    row.value()->first_seconds, row.value()->last_seconds});
}

Result<std::vector<StoredSeries>> SeriesTable::Find(const Selector& selector, std::int64_t start_seconds,
                                                    std::int64_t end_seconds) {
  const std::string& name = OwnName(selector.kind, selector);
  // Most rows are pods: reading the table from end to end is faster than by its index.
  const bool scan = selector.kind == series::Kind::kPod && name.empty();
  Statement& row = !name.empty() ? named_ : scan ? scan_ : of_kind_;
  row.Bind(1, series::KindName(selector.kind)).Bind(2, end_seconds);
  row.Bind(3, std::max<std::int64_t>(start_seconds, 0) - kTouchSeconds);
  if (!name.empty()) row.Bind(4, HashOf(name));
  const auto is = [&row](int column, const std::string& wanted) {
    return wanted.empty() || row.Text(column) == wanted;
  };
  std::vector<StoredSeries> found;
  Result<bool> stepped = row.Step();
  for (; stepped.ok() && stepped.value(); stepped = row.Step()) {
    if (!is(2, selector.node) || !is(3, selector.ns) || !is(4, selector.deployment) || !is(5, selector.pod)) continue;
    if (std::optional<StoredSeries> stored = SeriesOf(row)) found.push_back(std::move(*stored));
  }
  row.Reset();
  if (!stepped.ok()) return stepped.error();
  std::sort(found.begin(), found.end(),
            [](const StoredSeries& a, const StoredSeries& b) { return *a.member < *b.member; });
  return found;
}

Result<series::MemberPtr> SeriesTable::MemberOf(std::int64_t id) {
  const Result<bool> row = by_id_.Bind(1, id).Step();
  series::MemberPtr member;
  if (row.ok() && row.value()) {
    if (const auto stored = SeriesOf(by_id_)) member = stored->member;
  }
  by_id_.Reset();
  if (!row.ok()) return row.error();
  return member;
}

Result<std::int64_t> SeriesTable::FirstId(std::int64_t from_id) {
  return db_->QueryInt("SELECT coalesce(min(id), 0) FROM series WHERE id >= " + std::to_string(from_id));
}

Result<bool> SeriesTable::DeleteStep(std::int64_t oldest_seconds) {
  const Result<std::int64_t> first_id = FirstId(next_id_);  // numbers of series that went long ago cost no steps
  if (!first_id.ok()) return first_id.error();
  const std::int64_t end_id = first_id.value() + kIdsPerStep;
  const Status deleted =
      delete_.Bind(1, first_id.value()).Bind(2, end_id).Bind(3, oldest_seconds - kTouchSeconds).Run();
  if (!deleted.ok()) return deleted.error();
  const Result<std::int64_t> next = FirstId(end_id);
  if (!next.ok()) return next.error();
  next_id_ = next.value();
  return next_id_ != 0;
}

}  // namespace cloudmon::store
