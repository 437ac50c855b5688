// SPDX-License-Identifier: Apache-2.0
#include "aggregator/store/read_back.h"

#include <spdlog/spdlog.h>

#include <cstdint>
#include <string_view>
#include <utility>

#include "aggregator/store/bucket_json.h"
#include "aggregator/store/bucket_rows.h"

namespace cloudmon::store {
namespace {

class Reader {
 public:
  Reader(Head& head, Statement buckets, BucketReader reader)
      : head_(head), buckets_(std::move(buckets)), reader_(std::move(reader)) {}

  Result<ReadBackReport> Run() {
    for (;;) {
      const Result<bool> row = buckets_.Step();
      if (!row.ok()) return row.error();
      const bool next_bucket = !row.value() || buckets_.Int(0) != bucket_.time_seconds;
      if (next_bucket && !Finish()) break;
      if (!row.value()) break;
      bucket_.time_seconds = buckets_.Int(0);
      const Status status = Take(buckets_.Text(1), buckets_.Text(2));
      if (!status.ok()) return status.error();
    }
    return report_;
  }

 private:
  Status Take(std::string_view kind_name, std::string_view text) {
    const auto kind = DocumentKindByName(kind_name);
    if (!kind) return Status::Ok();
    if (const Status parsed = ParseDocument(text, document_); !parsed.ok()) {
      if (report_.bad_documents++ == 0) {
        spdlog::warn("storage: bucket {} of {}: {}; left out", bucket_.time_seconds, kind_name, parsed.error().message);
      }
      return Status::Ok();
    }
    return reader_.Append(document_, *kind, bucket_);
  }

  // Hands the bucket to the head; false where that is full.
  bool Finish() {
    if (bucket_.entries.empty()) return true;
    if (!head_.Prepend(bucket_)) return false;
    ++report_.buckets;
    bucket_.entries.clear();
    return true;
  }

  Head& head_;
  Statement buckets_;
  BucketReader reader_;
  series::Bucket bucket_;
  Document document_;
  ReadBackReport report_;
};

}  // namespace

Result<ReadBackReport> ReadBack(Connection& db, Head& head) {
  Result<Statement> buckets = db.Prepare("SELECT time, kind, doc FROM bucket ORDER BY time DESC");
  if (!buckets.ok()) return buckets.error();
  Result<BucketReader> reader = BucketReader::Open(db);
  if (!reader.ok()) return reader.error();
  return Reader(head, std::move(buckets.value()), std::move(reader.value())).Run();
}

}  // namespace cloudmon::store
