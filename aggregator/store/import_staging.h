// SPDX-License-Identifier: Apache-2.0
// The file in which an import collects points in any order, to read them in the order of their time. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "aggregator/series/model.h"
#include "aggregator/store/database.h"
#include "common/result.h"

namespace cloudmon::store {

class ImportStaging {
 public:
  // Opens the file, or begins it anew where it is damaged or of another source. Errors: kDenied and kIo.
  static Result<ImportStaging> Open(const std::string& file, const std::string& source);
  // Deletes the file.
  static Status Remove(const std::string& file);

  // A part is one transaction: it is there whole, or it is not.
  [[nodiscard]] bool IsComplete(std::string_view part) const { return complete_.contains(part); }
  // BeginPart() forgets one that was not ended.
  Status BeginPart();
  Status Add(std::int64_t time_seconds, const series::Member& member, const series::Point& point);
  Status EndPart(std::string_view part);

  // The newest bucket; 0: there is none.
  Result<std::int64_t> NewestSeconds();
  // How many buckets have start <= time < end.
  Result<std::size_t> CountBuckets(std::int64_t start_seconds, std::int64_t end_seconds);

  // Reads the buckets from `start_seconds` on in the order of time: Next() gives one, or false after the last. Of what
  // was added for one member and time, each field's first value counts. The first Next() sorts, which takes a while.
  Status BeginReading(std::int64_t start_seconds);
  Result<bool> Next(series::Bucket& out);

  // The bucket up to which all is merged; 0: none is.
  [[nodiscard]] std::int64_t merged_seconds() const { return merged_seconds_; }
  Status SetMerged(std::int64_t time_seconds);

 private:
  explicit ImportStaging(Connection db) : db_(std::move(db)) {}
  static Result<ImportStaging> OpenFile(const std::string& file, const std::string& source);
  Status Prepare(const std::string& source);
  Status Load();
  Result<std::int64_t> IdOf(const series::Member& member);
  Status ReadMembers();

  Connection db_;
  Statement add_, add_member_, read_;
  std::set<std::string, std::less<>> complete_;  // parts
  std::int64_t merged_seconds_ = 0;

  // Of the part being added.
  std::map<series::Member, std::int64_t> ids_;
  const std::pair<const series::Member, std::int64_t>* last_ = nullptr;  // in ids_: members mostly come in a row
  std::unordered_set<std::int64_t> times_;
  std::string blob_;

  // Of the reading.
  std::unordered_map<std::int64_t, series::MemberPtr> members_;
  bool ended_ = false;
  bool at_row_ = false;  // read_ is at the first row of the next bucket
};

}  // namespace cloudmon::store
