// SPDX-License-Identifier: Apache-2.0
#include "aggregator/store/bucket_rows.h"

#include <string>
#include <utility>

namespace cloudmon::store {

Result<BucketReader> BucketReader::Open(Connection& db) {
  Result<Statement> documents = db.Prepare("SELECT kind, doc FROM bucket WHERE time = ?1");
  if (!documents.ok()) return documents.error();
  Result<Statement> series = db.Prepare("SELECT kind, node, namespace, deployment, pod FROM series WHERE id = ?1");
  if (!series.ok()) return series.error();
  BucketReader reader;
  reader.documents_ = std::move(documents.value());
  reader.series_ = std::move(series.value());
  return reader;
}

Result<series::Bucket> BucketReader::Read(std::int64_t time_seconds) {
  series::Bucket bucket{time_seconds, {}};
  Result<bool> row = documents_.Bind(1, time_seconds).Step();
  Status appended = Status::Ok();
  for (; row.ok() && row.value() && appended.ok(); row = documents_.Step()) {
    const auto kind = DocumentKindByName(documents_.Text(0));
    if (!kind || !ParseDocument(documents_.Text(1), document_).ok()) continue;
    appended = Append(document_, *kind, bucket);
  }
  documents_.Reset();
  if (!row.ok()) return row.error();
  if (!appended.ok()) return appended.error();
  return bucket;
}

Status BucketReader::Append(const Document& document, series::Kind kind, series::Bucket& bucket) {
  if (document.cluster) bucket.entries.push_back({cluster_, *document.cluster});
  for (std::size_t i = 0; i < document.ids.size(); ++i) {
    Result<series::MemberPtr> member = MemberOf(document.ids[i], kind);
    if (!member.ok()) return member.error();
    if (member.value()) bucket.entries.push_back({std::move(member.value()), document.points[i]});
  }
  return Status::Ok();
}

// Null where `series` has no such member. Rows are read as they are met: the newest buckets name few of them.
Result<series::MemberPtr> BucketReader::MemberOf(std::int64_t id, series::Kind kind) {
  const auto [at, fresh] = members_.try_emplace(id);
  if (!fresh) return at->second;
  const Result<bool> row = series_.Bind(1, id).Step();
  if (row.ok() && row.value() && series_.Text(0) == series::KindName(kind)) {
    auto text = [this](int column) { return std::string(series_.Text(column)); };
    at->second = std::make_shared<const series::Member>(series::Member{kind, text(1), text(2), text(3), text(4)});
  }
  series_.Reset();
  if (!row.ok()) return row.error();
  return at->second;
}

Result<BucketWriter> BucketWriter::Open(Connection& db) {
  Result<DocumentRows> documents = DocumentRows::Open(db);
  if (!documents.ok()) return documents.error();
  return BucketWriter(std::move(documents.value()));
}

Status BucketWriter::Write(const series::Bucket& bucket) {
  const HeadBucketPtr packed = head_->Append(bucket, bucket.time_seconds);
  if (!packed) return Error{ErrorCode::kInvalid, "buckets are to be written in the order of their time"};
  return documents_.Write(*packed, *head_);
}

}  // namespace cloudmon::store
