// SPDX-License-Identifier: Apache-2.0
#include "aggregator/store/read_back.h"

#include <utility>

#include "aggregator/store/journal.h"
#include "aggregator/store/series_table.h"

namespace cloudmon::store {
namespace {

// Names the members of documents: each is looked up once.
class Members {
 public:
  explicit Members(SeriesTable table) : table_(std::move(table)) {}

  // Series that are not known are left out.
  Result<series::Bucket> Name(std::int64_t time_seconds, const BucketDocument& document) {
    series::Bucket bucket{time_seconds, {}};
    for (const BucketDocument::Block& block : document.blocks) {
      for (std::size_t row = 0; row < block.ids.size(); ++row) {
        const auto [known, fresh] = members_.try_emplace(block.ids[row]);
        if (fresh) {
          Result<series::MemberPtr> member = table_.MemberOf(block.ids[row]);
          if (!member.ok()) return member.error();
          known->second = std::move(member.value());
        }
        if (known->second) bucket.entries.push_back({known->second, block.columns.Row(row)});
      }
    }
    return bucket;
  }

 private:
  SeriesTable table_;
  std::unordered_map<std::int64_t, series::MemberPtr> members_;
};

}  // namespace

Result<ReadBackReport> ReadBack(Connection& db, Head& head, std::int64_t after_seconds, std::int64_t until_seconds) {
  Result<SeriesTable> table = SeriesTable::Open(db);
  if (!table.ok()) return table.error();
  Members members(std::move(table.value()));
  ReadBackReport report;
  const Result<std::size_t> damaged = ReadJournal(
      db, after_seconds, until_seconds, [&](std::int64_t time_seconds, const BucketDocument& document) -> Result<bool> {
        const Result<series::Bucket> bucket = members.Name(time_seconds, document);
        if (!bucket.ok()) return bucket.error();
        if (!head.Prepend(bucket.value())) return false;
        ++report.buckets;
        return true;
      });
  if (!damaged.ok()) return damaged.error();
  report.damaged_buckets = damaged.value();
  return report;
}

}  // namespace cloudmon::store
