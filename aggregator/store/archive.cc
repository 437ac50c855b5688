// SPDX-License-Identifier: Apache-2.0
#include "aggregator/store/archive.h"

#include <algorithm>
#include <memory>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "aggregator/store/bucket_json.h"
#include "aggregator/store/select.h"

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

// The slices to fill, ordered by member, and which one a number in the documents means.
struct Wanted {
  std::vector<SeriesSlice> slices;
  std::unordered_map<std::int64_t, std::size_t> by_id;
};

Result<Wanted> FindWanted(Connection& db, const Selector& selector) {
  Wanted wanted;
  if (selector.kind == series::Kind::kCluster) {
    wanted.slices.push_back({std::make_shared<const series::Member>(), {}, {}});
    return wanted;
  }
  Result<Statement> rows =
      SelectSeries(db, "id, node, namespace, deployment, pod", selector, " ORDER BY node, namespace, deployment, pod");
  if (!rows.ok()) return rows.error();
  Statement& row = rows.value();
  for (;;) {
    const Result<bool> stepped = row.Step();
    if (!stepped.ok()) return stepped.error();
    if (!stepped.value()) return wanted;
    auto text = [&row](int column) { return std::string(row.Text(column)); };
    wanted.by_id.emplace(row.Int(0), wanted.slices.size());
    wanted.slices.push_back(
        {std::make_shared<const series::Member>(series::Member{selector.kind, text(1), text(2), text(3), text(4)}),
         {},
         {}});
  }
}

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
  Document document;
  std::size_t points = 0;
  for (;;) {
    const Result<bool> stepped = row.Step();
    if (!stepped.ok()) return stepped.error();
    if (!stepped.value()) return Status::Ok();
    // A document that is no longer JSON is a gap, as it was when it was read back (which logs it).
    if (!ParseDocument(row.Text(1), document).ok()) continue;
    points += TakePoints(row.Int(0), document, kind == series::Kind::kCluster, wanted);
    if (points > max_points) return TooManyPoints(points, max_points);
  }
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
  Result<Wanted> found = FindWanted(db, selector);
  if (!found.ok()) return Wrap(found.error(), file_);
  Wanted& wanted = found.value();
  if (wanted.slices.empty()) return std::move(wanted.slices);
  const Status status = FillSlices(db, selector.kind, start_seconds, end_seconds, max_points, wanted);
  if (!status.ok()) {
    if (status.error().code == ErrorCode::kLimit) return status.error();
    return Error{ErrorCode::kIo, Wrap(status.error(), file_).message};
  }
  std::erase_if(wanted.slices, [](const SeriesSlice& slice) { return slice.points.empty(); });
  return std::move(wanted.slices);
}

Result<bool> Archive::Knows(const Selector& selector) const {
  Result<Lease> lease = Lease::Take(*this);
  if (!lease.ok()) return lease.error();
  Result<Statement> row = SelectSeries(lease.value().db(), "1", selector, " LIMIT 1");
  if (!row.ok()) return row.error();
  return row.value().Step();
}

}  // namespace cloudmon::store
