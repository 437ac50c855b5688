// SPDX-License-Identifier: Apache-2.0
// Writes the documents of buckets that a head has packed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "aggregator/store/database.h"
#include "aggregator/store/head.h"
#include "aggregator/store/series_rows.h"
#include "common/result.h"

namespace cloudmon::store {

// One thread at a time, the one of the connection.
class DocumentRows {
 public:
  static Result<DocumentRows> Open(Connection& db);

  // Writes a bucket of `head` within the caller's transaction; one of the same time is replaced. Error: kGone where the
  // head no longer names its members.
  Status Write(const HeadBucket& bucket, const Head& head);
  // After the caller's transaction: see SeriesRows.
  void Committed() { rows_.Committed(); }
  void RolledBack() { rows_.RolledBack(); }
  Status DeleteUnusedSeries(std::int64_t oldest_seconds, std::int64_t head_oldest_seconds) {
    return rows_.DeleteUnused(oldest_seconds, head_oldest_seconds);
  }

 private:
  Status WriteDocument(const HeadBucket& bucket, const Head& head, series::Kind kind);
  Status FindIds(const HeadBucket& bucket, const Head& head, series::Kind kind);

  SeriesRows rows_;
  Statement insert_;
  std::vector<std::int64_t> ids_;
  std::string document_;
};

}  // namespace cloudmon::store
