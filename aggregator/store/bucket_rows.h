// SPDX-License-Identifier: Apache-2.0
// Whole buckets from the database and into it: members are found by what they are.
#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>

#include "aggregator/series/model.h"
#include "aggregator/store/bucket_json.h"
#include "aggregator/store/database.h"
#include "aggregator/store/document_rows.h"
#include "aggregator/store/head.h"
#include "common/result.h"

namespace cloudmon::store {

// Members of the documents that were read stay remembered, so series must not be deleted meanwhile.
class BucketReader {
 public:
  static Result<BucketReader> Open(Connection& db);

  // The stored bucket of this time. Its entries are none where there is none; those of damaged documents are left out.
  Result<series::Bucket> Read(std::int64_t time_seconds);
  // Appends the entries of a document of `kind`; series that are not known are left out.
  Status Append(const Document& document, series::Kind kind, series::Bucket& bucket);

 private:
  Result<series::MemberPtr> MemberOf(std::int64_t id, series::Kind kind);

  Statement documents_, series_;
  std::unordered_map<std::int64_t, series::MemberPtr> members_;
  series::MemberPtr cluster_ = std::make_shared<const series::Member>();
  Document document_;
};

class BucketWriter {
 public:
  static Result<BucketWriter> Open(Connection& db);

  // Writes the bucket within the caller's transaction; one of the same time is replaced. Times ascend. After an error,
  // or where the transaction is rolled back, the writer is not used again.
  Status Write(const series::Bucket& bucket);
  // After the caller's transaction.
  void Committed() { documents_.Committed(); }

 private:
  explicit BucketWriter(DocumentRows documents) : documents_(std::move(documents)) {}

  DocumentRows documents_;
  std::unique_ptr<Head> head_ = std::make_unique<Head>(1);  // packs one bucket after the other
};

}  // namespace cloudmon::store
