// SPDX-License-Identifier: Apache-2.0
#include "aggregator/store/row_reader.h"

#include "aggregator/store/json_scanner.h"

namespace cloudmon::store {

// What WriteDocument() does not write that way (columns before `series` or of other lengths, no series), and what
// cannot be read, is left to ParseDocument() to judge.
Status RowReader::Read(std::string_view text, Document& out) {
  if (ReadSkipping(text, out)) return Status::Ok();
  return ParseDocument(text, out);
}

bool RowReader::ReadSkipping(std::string_view text, Document& out) {
  out.time_seconds = 0;
  out.cluster.reset();
  JsonScanner scanner(text);
  bool series_known = false;
  const bool good = scanner.Object([&](std::string_view name) {
    if (name == "time") return scanner.Int(out.time_seconds);
    if (name == kClusterName) return scanner.Values(out.cluster.emplace());
    std::string_view values;
    if (name == "series") {
      series_known = scanner.PlainArray(values) && FindRows(values, out);
      return series_known;
    }
    const auto field = series::FieldByName(name);
    if (!field) return scanner.Skip();
    return series_known && scanner.PlainArray(values) && ReadColumn(values, *field, out.points);
  });
  return good && series_known && scanner.AtEnd();
}

bool RowReader::FindRows(std::string_view series, Document& out) {
  if (row_count_ == 0 || series != series_) {
    series_ = series;
    row_count_ = 0;
    rows_.clear();
    ids_.clear();
    JsonScanner scanner(series);
    std::size_t count = 0;
    do {
      std::int64_t id = 0;
      if (!scanner.Int(id)) return false;
      if (wanted_.contains(id)) {
        rows_.push_back(count);
        ids_.push_back(id);
      }
      ++count;
    } while (scanner.Take(','));
    if (!scanner.AtEnd()) return false;
    row_count_ = count;
  }
  out.ids = ids_;
  out.points.assign(ids_.size(), series::Point{});
  return true;
}

bool RowReader::ReadColumn(std::string_view values, series::Field field, std::vector<series::Point>& points) const {
  JsonScanner scanner(values);
  std::size_t row = 0;  // the scanner is at its value
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    if (!scanner.SkipCommas(rows_[i] - row) || !scanner.ValueOrNull(field, points[i])) return false;
    row = rows_[i] + 1;
    if (!scanner.Take(',')) return scanner.AtEnd() && row == row_count_;
  }
  // As many values as series, else those that were read may be of other rows.
  return row < row_count_ && scanner.SkipCommas(row_count_ - 1 - row) && !scanner.SkipCommas(1);
}

}  // namespace cloudmon::store
