// SPDX-License-Identifier: Apache-2.0
// The file in which an import collects points in any order, to read them chunk by chunk and in each series by series.
// One thread.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "aggregator/series/model.h"
#include "aggregator/store/database.h"
#include "aggregator/store/grid.h"
#include "aggregator/store/store.h"
#include "common/result.h"

namespace cloudmon::store {

// The order of reading. Ordered by time first, so that blobs are written in the order of their keys (RowKey()).
struct StagedPlace {
  std::int64_t chunk = 0, member_id = 0;  // number 0 is no member's
  auto operator<=>(const StagedPlace&) const = default;
};

// What is staged of one member in one chunk.
struct StagedSlice {
  StagedPlace place;
  SeriesSlice series;
  std::size_t entries = 0;  // that were added; more than points where some are of the same time
};

class ImportStaging {
 public:
  // Opens the file, or begins it anew where it is damaged or of another source. `grid` is that of chunks, the same
  // for a source. Errors: kDenied and kIo.
  static Result<ImportStaging> Open(const std::string& file, const std::string& source, const Grid& grid);
  // Deletes the file.
  static Status Remove(const std::string& file);

  // A random one, made when the file is begun.
  [[nodiscard]] const std::string& id() const { return id_; }

  // A part is one transaction: it is there whole, or it is not.
  [[nodiscard]] bool IsComplete(std::string_view part) const { return complete_.contains(part); }
  // BeginPart() forgets one that was not ended.
  Status BeginPart();
  // Times are the starts of buckets. Fast and small where a member's points come in a row.
  Status Add(std::int64_t time_seconds, const series::Member& member, const series::Point& point);
  Status EndPart(std::string_view part);

  // The newest bucket; 0: there is none.
  Result<std::int64_t> NewestSeconds();
  struct Count {
    std::size_t buckets = 0, entries = 0;
  };
  // With start <= time < end.
  Result<Count> CountRange(std::int64_t start_seconds, std::int64_t end_seconds);

  // Reads what lies after a place and has start <= time, in the order of places: Next() gives a slice, or false after
  // the last. Of what was added for one member and time, each field's first value counts. Sorts first, which takes a
  // while. Errors: kIo.
  Status BeginReading(const StagedPlace& after, std::int64_t start_seconds);
  Result<bool> Next(StagedSlice& out);

 private:
  ImportStaging(Connection db, const Grid& grid) : db_(std::move(db)), grid_(grid) {}
  static Result<ImportStaging> OpenFile(const std::string& file, const std::string& source, const Grid& grid);
  Status Prepare(const std::string& source);
  Status Load();
  Result<std::int64_t> IdOf(const series::Member& member);
  Status WriteRun();
  Status ReadMembers();
  Status Advance();
  [[nodiscard]] StagedPlace PlaceOfRow() const { return {read_.Int(0), read_.Int(1)}; }
  bool TakeRun(std::string_view bytes, StagedSlice& out);

  Connection db_;
  Grid grid_;
  Statement add_, add_member_, read_;
  std::string id_;
  std::set<std::string, std::less<>> complete_;  // parts

  // Of the part being added.
  std::map<series::Member, std::int64_t> ids_;
  const std::pair<const series::Member, std::int64_t>* last_ = nullptr;  // in ids_: members mostly come in a row
  std::unordered_map<std::int64_t, std::int64_t> entries_;               // by time
  StagedPlace run_place_;
  std::string run_;  // points of that place: position and point, one behind the other

  // Of the reading.
  std::unordered_map<std::int64_t, series::MemberPtr> members_;
  std::vector<std::optional<series::Point>> slice_;  // by position
  std::int64_t start_seconds_ = 0;
  bool at_row_ = false;  // read_ is at the first row of the next slice
};

}  // namespace cloudmon::store
