// SPDX-License-Identifier: Apache-2.0
#include "aggregator/store/read_back.h"

#include <spdlog/spdlog.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "aggregator/store/bucket_json.h"

namespace cloudmon::store {
namespace {

class Reader {
 public:
  Reader(Head& head, Statement buckets, Statement series)
      : head_(head), buckets_(std::move(buckets)), series_(std::move(series)) {}

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
    if (document_.cluster) bucket_.entries.push_back({cluster_, *document_.cluster});
    for (std::size_t i = 0; i < document_.ids.size(); ++i) {
      Result<series::MemberPtr> member = MemberOf(document_.ids[i], *kind);
      if (!member.ok()) return member.error();
      if (member.value()) bucket_.entries.push_back({std::move(member.value()), document_.points[i]});
    }
    return Status::Ok();
  }

  // Null where `series` has no such member. Rows are read as they are met: the head names few of them.
  Result<series::MemberPtr> MemberOf(std::int64_t id, series::Kind kind) {
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

  // Hands the bucket to the head; false where that is full.
  bool Finish() {
    if (bucket_.entries.empty()) return true;
    if (!head_.Prepend(bucket_)) return false;
    ++report_.buckets;
    bucket_.entries.clear();
    return true;
  }

  Head& head_;
  Statement buckets_, series_;
  std::unordered_map<std::int64_t, series::MemberPtr> members_;
  series::MemberPtr cluster_ = std::make_shared<const series::Member>();
  series::Bucket bucket_;
  Document document_;
  ReadBackReport report_;
};

}  // namespace

Result<ReadBackReport> ReadBack(Connection& db, Head& head) {
  Result<Statement> buckets = db.Prepare("SELECT time, kind, doc FROM bucket ORDER BY time DESC");
  if (!buckets.ok()) return buckets.error();
  Result<Statement> series = db.Prepare("SELECT kind, node, namespace, deployment, pod FROM series WHERE id = ?1");
  if (!series.ok()) return series.error();
  return Reader(head, std::move(buckets.value()), std::move(series.value())).Run();
}

}  // namespace cloudmon::store
