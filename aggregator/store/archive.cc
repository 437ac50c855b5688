// SPDX-License-Identifier: Apache-2.0
#include "aggregator/store/archive.h"

#include <algorithm>
#include <limits>

#include "aggregator/store/chunk_rows.h"
#include "aggregator/store/database.h"
#include "aggregator/store/grid.h"
#include "aggregator/store/select.h"

namespace cloudmon::store {
namespace {

constexpr std::size_t kIdleSessions = 4;  // more are opened when more ask at once, and closed after
constexpr std::int64_t kNoEnd = std::numeric_limits<std::int64_t>::max();

// KiB of pages that a connection keeps. Each row is wanted once: only the inner pages are worth keeping.
constexpr const char* kSettings = "PRAGMA cache_size=-512";

// A series is read in parts of so many chunks, so that one of very many points is refused before it fills the memory.
constexpr std::int64_t kChunksAtOnce = 24;

}  // namespace

struct Archive::Session {
  explicit Session(Connection opened) : db(std::move(opened)) {}

  Connection db;
  std::optional<SeriesTable> table;
  std::optional<ChunkReader> chunks;
};

Archive::Archive(std::string file, std::int64_t interval_seconds, Connection::Index index)
    : file_(std::move(file)), interval_seconds_(interval_seconds), index_(index) {}
Archive::~Archive() = default;

Result<std::unique_ptr<Archive::Session>> Archive::Take() const {
  {
    std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      std::unique_ptr<Session> session = std::move(idle_.back());
      idle_.pop_back();
      return session;
    }
  }
  Result<Connection> opened = Connection::Open(file_, Connection::Mode::kReadOnly, index_);
  if (!opened.ok()) return opened.error();
  auto session = std::make_unique<Session>(std::move(opened.value()));
  if (const Status set = session->db.Execute(kSettings); !set.ok()) return set.error();
  Result<SeriesTable> table = SeriesTable::Open(session->db);
  if (!table.ok()) return table.error();
  session->table.emplace(std::move(table.value()));
  Result<ChunkReader> chunks = ChunkReader::Open(session->db, interval_seconds_);
  if (!chunks.ok()) return chunks.error();
  session->chunks.emplace(std::move(chunks.value()));
  return session;
}

// Runs `work` within one read transaction.
template <class T>
Result<T> Archive::Read(const std::function<Result<T>(Session&)>& work) const {
  const auto failed = [this](const Error& error) {
    // Damage met on the way is no reason to set the database aside.
    return error.code == ErrorCode::kLimit ? error : Error{ErrorCode::kIo, Wrap(error, file_).message};
  };
  Result<std::unique_ptr<Session>> session = Take();
  if (!session.ok()) return failed(session.error());
  Connection& db = session.value()->db;
  if (const Status begun = db.Execute("BEGIN"); !begun.ok()) return failed(begun.error());
  session.value()->chunks->Begin();
  Result<T> answer = work(*session.value());
  if (!answer.ok()) return failed(answer.error());  // the connection goes, and with it what was left unfinished
  if (const Status ended = db.Execute("COMMIT"); !ended.ok()) return failed(ended.error());
  std::lock_guard lock(mutex_);
  if (idle_.size() < kIdleSessions) idle_.push_back(std::move(session.value()));
  return answer;
}

namespace {

// What is read of each series.
struct Range {
  std::int64_t start_seconds, end_seconds;
  series::FieldMask fields;
};

// Reads series after series, counting their points.
class SliceReader {
 public:
  SliceReader(ChunkReader& chunks, std::int64_t interval_seconds, const Range& range, std::size_t max_points)
      : chunks_(chunks),
        step_seconds_(kChunksAtOnce * ChunkGrid(interval_seconds).width_seconds()),
        range_(range),
        max_points_(max_points) {}

  Status Read(const StoredSeries& stored) {
    const std::int64_t end = std::min(range_.end_seconds, stored.last_seconds + kTouchSeconds + 1);
    SeriesSlice slice{stored.member, {}, {}};
    for (std::int64_t at = std::max(range_.start_seconds, stored.first_seconds); at < end;) {
      const std::int64_t next = std::min(end, (at / step_seconds_ + 1) * step_seconds_);
      const std::size_t before = slice.points.size();
      if (Status read = chunks_.Read(stored, at, next, range_.fields, slice); !read.ok()) return read;
      points_ += slice.points.size() - before;
      if (points_ > max_points_) return TooManyPoints(points_, max_points_);
      at = next;
    }
    if (!slice.points.empty()) slices_.push_back(std::move(slice));
    return Status::Ok();
  }
  [[nodiscard]] std::vector<SeriesSlice> Finish() { return std::move(slices_); }

 private:
  ChunkReader& chunks_;
  const std::int64_t step_seconds_;
  const Range range_;
  const std::size_t max_points_;
  std::size_t points_ = 0;
  std::vector<SeriesSlice> slices_;
};

}  // namespace

Result<std::vector<SeriesSlice>> Archive::Select(const Selector& selector, std::int64_t start_seconds,
                                                 std::int64_t end_seconds, series::FieldMask fields,
                                                 std::size_t max_points) const {
  return Read<std::vector<SeriesSlice>>([&](Session& session) -> Result<std::vector<SeriesSlice>> {
    const auto found = session.table->Find(selector, start_seconds, end_seconds);
    if (!found.ok()) return found.error();
    SliceReader reader(*session.chunks, interval_seconds_, {start_seconds, end_seconds, fields}, max_points);
    for (const StoredSeries& stored : found.value()) {
      if (const Status read = reader.Read(stored); !read.ok()) return read.error();
    }
    return reader.Finish();
  });
}

Result<std::vector<SeriesSlice>> Archive::Select(const std::vector<series::MemberPtr>& members,
                                                 std::int64_t start_seconds, std::int64_t end_seconds) const {
  return Read<std::vector<SeriesSlice>>([&](Session& session) -> Result<std::vector<SeriesSlice>> {
    SliceReader reader(*session.chunks, interval_seconds_, {start_seconds, end_seconds, series::kAllFields}, SIZE_MAX);
    for (const series::MemberPtr& member : members) {
      const Result<std::optional<StoredSeries>> found = session.table->Find(*member);
      if (!found.ok()) return found.error();
      if (!found.value()) continue;
      if (const Status read = reader.Read(*found.value()); !read.ok()) return read.error();
    }
    return reader.Finish();
  });
}

Result<std::vector<StoredSeries>> Archive::Members(const Selector& selector, std::int64_t start_seconds,
                                                   std::int64_t end_seconds) const {
  return Read<std::vector<StoredSeries>>(
      [&](Session& session) { return session.table->Find(selector, start_seconds, end_seconds); });
}

Result<bool> Archive::Knows(const Selector& selector) const {
  const auto found = Members(selector, 0, kNoEnd);
  if (!found.ok()) return found.error();
  return !found.value().empty();
}

Result<std::vector<SeriesSlice>> Archive::Newest(series::Kind kind, std::int64_t since_seconds,
                                                 std::int64_t until_seconds,
                                                 const std::function<bool(const series::Member&)>& wanted) const {
  return Read<std::vector<SeriesSlice>>([&](Session& session) -> Result<std::vector<SeriesSlice>> {
    const auto found = session.table->Find({kind, "", "", "", ""}, since_seconds, kNoEnd);
    if (!found.ok()) return found.error();
    std::vector<SeriesSlice> slices;
    for (const StoredSeries& stored : found.value()) {
      if (!wanted(*stored.member)) continue;
      SeriesSlice slice{stored.member, {}, {}};
      if (const Status read = session.chunks->ReadNewest(stored, since_seconds, until_seconds, slice); !read.ok()) {
        return read.error();
      }
      KeepLast(slice);
      if (!slice.points.empty()) slices.push_back(std::move(slice));
    }
    return slices;
  });
}

Result<std::optional<std::int64_t>> Archive::NewestSeconds(std::int64_t until_seconds) const {
  return Read<std::optional<std::int64_t>>(
      [&](Session& session) { return session.chunks->NewestSeconds(until_seconds); });
}

}  // namespace cloudmon::store
