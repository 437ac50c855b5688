// SPDX-License-Identifier: Apache-2.0
#include "aggregator/store/document_rows.h"

#include <utility>

#include "aggregator/store/bucket_json.h"

namespace cloudmon::store {

Result<DocumentRows> DocumentRows::Open(Connection& db) {
  Result<SeriesRows> rows = SeriesRows::Open(db);
  if (!rows.ok()) return rows.error();
  Result<Statement> insert = db.Prepare("INSERT OR REPLACE INTO bucket(time, kind, doc) VALUES(?1, ?2, ?3)");
  if (!insert.ok()) return insert.error();
  DocumentRows documents;
  documents.rows_ = std::move(rows.value());
  documents.insert_ = std::move(insert.value());
  return documents;
}

Status DocumentRows::Write(const HeadBucket& bucket, const Head& head) {
  for (const series::Kind kind : kDocumentKinds) {
    if (Status status = WriteDocument(bucket, head, kind); !status.ok()) return status;
  }
  return Status::Ok();
}

Status DocumentRows::FindIds(const HeadBucket& bucket, const Head& head, series::Kind kind) {
  ids_.clear();
  for (const Slot slot : *bucket.Of(kind).slots) {
    const auto id = rows_.IdOf(slot, bucket.time_seconds, [&head](Slot s) { return head.MemberOf(s); });
    if (!id.ok()) return id.error();
    if (!id.value()) return Error{ErrorCode::kGone, "the bucket left the memory"};
    ids_.push_back(*id.value());
  }
  return Status::Ok();
}

Status DocumentRows::WriteDocument(const HeadBucket& bucket, const Head& head, series::Kind kind) {
  if (Status found = FindIds(bucket, head, kind); !found.ok()) return found;
  const ColumnBlock& cluster = bucket.Of(series::Kind::kCluster).columns;
  const bool with_cluster = kind == series::Kind::kNode && cluster.rows() > 0;
  const series::Point all = with_cluster ? cluster.Row(0) : series::Point{};
  document_.clear();
  store::WriteDocument(document_, bucket.time_seconds, ids_, bucket.Of(kind).columns, with_cluster ? &all : nullptr);
  return insert_.Bind(1, bucket.time_seconds).Bind(2, DocumentName(kind)).Bind(3, document_).Run();
}

}  // namespace cloudmon::store
