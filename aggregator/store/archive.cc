// SPDX-License-Identifier: Apache-2.0
#include "aggregator/store/archive.h"

#include <algorithm>
#include <memory>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "aggregator/store/bucket_json.h"
#include "aggregator/store/row_reader.h"
#include "aggregator/store/select.h"
#include "aggregator/store/series_rows.h"

namespace cloudmon::store {
namespace {

constexpr std::size_t kIdleConnections = 4;  // more are opened when more ask at once, and closed after

// The columns of `series` that a selector fixes, with their values.
std::vector<std::pair<std::string_view, std::string_view>> Conditions(const Selector& selector) {
  std::vector<std::pair<std::string_view, std::string_view>> conditions{{"kind", series::KindName(selector.kind)}};
  for (const auto& [column, value] : {std::pair<std::string_view, std::string_view>{"pod", selector.pod},
                                      {"namespace", selector.ns},
                                      {"deployment", selector.deployment},
                                      {"node", selector.node}}) {
    if (!value.empty()) conditions.emplace_back(column, value);
  }
  return conditions;
}

// `columns` of the series that match. The selector must stay alive while the statement is stepped.
Result<Statement> SelectSeries(Connection& db, std::string_view columns, const Selector& selector,
                               std::string_view tail = "") {
  const auto conditions = Conditions(selector);
  std::string sql = "SELECT " + std::string(columns) + " FROM series WHERE ";
  for (std::size_t i = 0; i < conditions.size(); ++i) {
    if (i > 0) sql += " AND ";
    sql += std::string(conditions[i].first) + "=?" + std::to_string(i + 1);
  }
  Result<Statement> statement = db.Prepare(sql + std::string(tail));
  if (!statement.ok()) return statement;
  for (std::size_t i = 0; i < conditions.size(); ++i) {
    statement.value().Bind(static_cast<int>(i + 1), conditions[i].second);
  }
  return statement;
}

struct StoredMember {
  std::int64_t id;  // what it is called in documents; the cluster has none
  series::MemberPtr member;
};

// The stored series that match, ordered by member.
Result<std::vector<StoredMember>> FindMembers(Connection& db, const Selector& selector, std::string_view condition) {
  std::vector<StoredMember> found;
  if (selector.kind == series::Kind::kCluster) {
    found.push_back({0, std::make_shared<const series::Member>()});
    return found;
  }
  const std::string tail = std::string(condition) + " ORDER BY node, namespace, deployment, pod";
  Result<Statement> rows = SelectSeries(db, "id, node, namespace, deployment, pod", selector, tail);
  if (!rows.ok()) return rows.error();
  Statement& row = rows.value();
  for (;;) {
    const Result<bool> stepped = row.Step();
    if (!stepped.ok()) return stepped.error();
    if (!stepped.value()) return found;
    auto text = [&row](int column) { return std::string(row.Text(column)); };
    found.push_back({row.Int(0), std::make_shared<const series::Member>(
                                     series::Member{selector.kind, text(1), text(2), text(3), text(4)})});
  }
}

// Those of the members that are stored.
Result<std::vector<StoredMember>> FindMembers(Connection& db, const std::vector<series::MemberPtr>& members) {
  std::vector<StoredMember> found;
  Result<Statement> prepared = db.Prepare(
      "SELECT id FROM series WHERE kind = ?1 AND pod = ?2 AND namespace = ?3 AND deployment = ?4 AND node = ?5");
  if (!prepared.ok()) return prepared.error();
  Statement& row = prepared.value();
  for (const series::MemberPtr& member : members) {
    if (member->kind == series::Kind::kCluster) {
      found.push_back({0, member});
      continue;
    }
    row.Bind(1, series::KindName(member->kind)).Bind(2, member->pod).Bind(3, member->ns);
    const Result<bool> stepped = row.Bind(4, member->deployment).Bind(5, member->node).Step();
    if (!stepped.ok()) return stepped.error();
    if (stepped.value()) found.push_back({row.Int(0), member});
    row.Reset();
  }
  return found;
}

// The slices to fill, ordered by member, and which one a number in the documents means.
struct Wanted {
  explicit Wanted(const std::vector<StoredMember>& members) {
    for (const StoredMember& stored : members) {
      by_id.emplace(stored.id, slices.size());
      slices.push_back({stored.member, {}, {}});
    }
  }
  [[nodiscard]] std::unordered_set<std::int64_t> Ids() const {
    std::unordered_set<std::int64_t> ids;
    for (const auto& item : by_id) ids.insert(item.first);
    return ids;
  }

  std::vector<SeriesSlice> slices;
  std::unordered_map<std::int64_t, std::size_t> by_id;
};

// Appends a document's points to the slices they belong to; returns how many.
std::size_t TakePoints(std::int64_t time_seconds, const Document& document, bool cluster, Wanted& wanted) {
  auto append = [time_seconds](SeriesSlice& slice, const series::Point& point) {
    slice.times_seconds.push_back(time_seconds);
    slice.points.push_back(point);
  };
  if (cluster) {
    if (document.cluster) append(wanted.slices.front(), *document.cluster);
    return document.cluster ? 1 : 0;
  }
  std::size_t taken = 0;
  for (std::size_t i = 0; i < document.ids.size(); ++i) {
    const auto found = wanted.by_id.find(document.ids[i]);
    if (found == wanted.by_id.end()) continue;
    append(wanted.slices[found->second], document.points[i]);
    ++taken;
  }
  return taken;
}

Status FillSlices(Connection& db, series::Kind kind, std::int64_t start_seconds, std::int64_t end_seconds,
                  std::size_t max_points, Wanted& wanted) {
  Result<Statement> documents =
      db.Prepare("SELECT time, doc FROM bucket WHERE time >= ?1 AND time < ?2 AND kind = ?3 ORDER BY time");
  if (!documents.ok()) return documents.error();
  Statement& row = documents.value();
  row.Bind(1, start_seconds).Bind(2, end_seconds).Bind(3, DocumentName(kind));
  RowReader reader(wanted.Ids());
  Document document;
  std::size_t points = 0;
  for (;;) {
    const Result<bool> stepped = row.Step();
    if (!stepped.ok()) return stepped.error();
    if (!stepped.value()) return Status::Ok();
    // A document that is no longer JSON is a gap, as it was when it was read back (which logs it).
    if (!reader.Read(row.Text(1), document).ok()) continue;
    points += TakePoints(row.Int(0), document, kind == series::Kind::kCluster, wanted);
    if (points > max_points) return TooManyPoints(points, max_points);
  }
}

Result<std::vector<SeriesSlice>> ReadSlices(Connection& db, series::Kind kind, const std::vector<StoredMember>& members,
                                            std::int64_t start_seconds, std::int64_t end_seconds,
                                            std::size_t max_points) {
  Wanted wanted(members);
  if (wanted.slices.empty()) return std::move(wanted.slices);
  const Status status = FillSlices(db, kind, start_seconds, end_seconds, max_points, wanted);
  if (!status.ok()) return status.error();
  std::erase_if(wanted.slices, [](const SeriesSlice& slice) { return slice.points.empty(); });
  return std::move(wanted.slices);
}

// As a reader says it: damage met on the way is no reason to set the database aside.
Error ReadError(const Error& error, const std::string& file) {
  return error.code == ErrorCode::kLimit ? error : Error{ErrorCode::kIo, Wrap(error, file).message};
}

}  // namespace

class Archive::Lease {
 public:
  static Result<Lease> Take(const Archive& archive) {
    {
      std::lock_guard lock(archive.mutex_);
      if (!archive.idle_.empty()) {
        Lease lease(archive, std::move(archive.idle_.back()));
        archive.idle_.pop_back();
        return lease;
      }
    }
    Result<Connection> opened = Connection::Open(archive.file_, Connection::Mode::kReadOnly);
    if (!opened.ok()) return opened.error();
    return Lease(archive, std::move(opened.value()));
  }
  Lease(Lease&&) = default;
  Lease& operator=(Lease&&) = delete;
  ~Lease() {
    if (!db_) return;
    std::lock_guard lock(archive_->mutex_);
    if (archive_->idle_.size() < kIdleConnections) archive_->idle_.push_back(std::move(*db_));
  }
  [[nodiscard]] Connection& db() { return *db_; }

 private:
  Lease(const Archive& archive, Connection db) : archive_(&archive), db_(std::make_unique<Connection>(std::move(db))) {}

  const Archive* archive_;
  std::unique_ptr<Connection> db_;  // null: moved from
};

Result<std::vector<SeriesSlice>> Archive::Select(const Selector& selector, std::int64_t start_seconds,
                                                 std::int64_t end_seconds, std::size_t max_points) const {
  Result<Lease> lease = Lease::Take(*this);
  if (!lease.ok()) return lease.error();
  Connection& db = lease.value().db();
  const Result<std::vector<StoredMember>> members = FindMembers(db, selector, "");
  if (!members.ok()) return ReadError(members.error(), file_);
  auto slices = ReadSlices(db, selector.kind, members.value(), start_seconds, end_seconds, max_points);
  if (!slices.ok()) return ReadError(slices.error(), file_);
  return slices;
}

Result<std::vector<SeriesSlice>> Archive::Select(series::Kind kind, const std::vector<series::MemberPtr>& members,
                                                 std::int64_t start_seconds, std::int64_t end_seconds) const {
  Result<Lease> lease = Lease::Take(*this);
  if (!lease.ok()) return lease.error();
  Connection& db = lease.value().db();
  const Result<std::vector<StoredMember>> stored = FindMembers(db, members);
  if (!stored.ok()) return ReadError(stored.error(), file_);
  auto slices = ReadSlices(db, kind, stored.value(), start_seconds, end_seconds, SIZE_MAX);
  if (!slices.ok()) return ReadError(slices.error(), file_);
  return slices;
}

Result<std::vector<series::MemberPtr>> Archive::Members(const Selector& selector, std::int64_t start_seconds) const {
  Result<Lease> lease = Lease::Take(*this);
  if (!lease.ok()) return lease.error();
  const std::string in_use =
      " AND last_time > " + std::to_string(std::max<std::int64_t>(start_seconds, 0) - kTouchSeconds);
  const Result<std::vector<StoredMember>> stored = FindMembers(lease.value().db(), selector, in_use);
  if (!stored.ok()) return ReadError(stored.error(), file_);
  std::vector<series::MemberPtr> members;
  for (const StoredMember& one : stored.value()) members.push_back(one.member);
  return members;
}

Result<std::size_t> Archive::CountBuckets(series::Kind kind, std::int64_t start_seconds,
                                          std::int64_t end_seconds) const {
  const Result<std::int64_t> count =
      QueryInt("SELECT count(*) FROM bucket WHERE kind='" + std::string(DocumentName(kind)) +
               "' AND time >= " + std::to_string(start_seconds) + " AND time < " + std::to_string(end_seconds));
  if (!count.ok()) return count.error();
  return static_cast<std::size_t>(count.value());
}

Result<std::int64_t> Archive::QueryInt(std::string_view sql) const {
  Result<Lease> lease = Lease::Take(*this);
  if (!lease.ok()) return lease.error();
  const Result<std::int64_t> value = lease.value().db().QueryInt(sql);
  if (!value.ok()) return ReadError(value.error(), file_);
  return value;
}

Result<bool> Archive::Knows(const Selector& selector) const {
  Result<Lease> lease = Lease::Take(*this);
  if (!lease.ok()) return lease.error();
  Result<Statement> row = SelectSeries(lease.value().db(), "1", selector, " LIMIT 1");
  if (!row.ok()) return row.error();
  return row.value().Step();
}

}  // namespace cloudmon::store
