// SPDX-License-Identifier: Apache-2.0
#include "aggregator/store/columns.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace cloudmon::store {
namespace {

static_assert(std::endian::native == std::endian::little, "values are packed and read as little-endian words");
constexpr std::size_t kPadding = sizeof(std::uint64_t);

std::uint8_t BytesFor(std::uint64_t range) {
  return static_cast<std::uint8_t>((std::bit_width(range) + 7) / 8);
}

}  // namespace

std::int64_t ColumnBlock::Column::Get(std::size_t row) const {
  if (width_ == 0) return static_cast<std::int64_t>(base_);
  std::uint64_t word = 0;
  std::memcpy(&word, values_ + row * width_, sizeof word);
  const std::uint64_t mask = ~std::uint64_t{0} >> (64U - 8U * width_);
  return static_cast<std::int64_t>(base_ + (word & mask));
}

ColumnBlock::ColumnBlock(const std::vector<const series::Point*>& rows)
    : rows_(static_cast<std::uint32_t>(rows.size())) {
  for (const series::FieldInfo& info : series::kFields) Pack(info.field, rows);
  bytes_.resize(bytes_.size() + kPadding);
  bytes_.shrink_to_fit();
  headers_.shrink_to_fit();
}

void ColumnBlock::Pack(series::Field field, const std::vector<const series::Point*>& rows) {
  std::size_t present = 0;
  std::int64_t low = INT64_MAX;
  std::int64_t high = INT64_MIN;
  for (const series::Point* row : rows) {
    if (!row->Has(field)) continue;
    ++present;
    low = std::min(low, row->Get(field));
    high = std::max(high, row->Get(field));
  }
  if (present == 0) return;

  const auto base = static_cast<std::uint64_t>(low);
  const std::uint8_t width = BytesFor(static_cast<std::uint64_t>(high) - base);
  const bool partial = present < rows.size();
  const std::size_t offset = bytes_.size();
  const std::size_t bitmap = partial ? (rows.size() + 7) / 8 : 0;
  bytes_.resize(offset + bitmap + rows.size() * width);
  headers_.push_back({base, static_cast<std::uint32_t>(offset), field, width, partial});
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (!rows[i]->Has(field)) continue;
    if (partial) bytes_[offset + i / 8] |= static_cast<std::uint8_t>(1U << (i % 8));
    if (width == 0) continue;
    const std::uint64_t delta = static_cast<std::uint64_t>(rows[i]->Get(field)) - base;
    std::memcpy(bytes_.data() + offset + bitmap + i * width, &delta, width);
  }
}

ColumnBlock::Column ColumnBlock::column(std::size_t index) const {
  const Header& header = headers_[index];
  Column column;
  column.field_ = header.field;
  column.width_ = header.width;
  column.base_ = header.base;
  column.values_ = bytes_.data() + header.offset;
  if (header.partial) {
    column.presence_ = column.values_;
    column.values_ += (rows_ + 7) / 8;
  }
  return column;
}

series::Point ColumnBlock::Row(std::size_t row) const {
  series::Point point;
  for (std::size_t i = 0; i < headers_.size(); ++i) {
    const Column values = column(i);
    if (values.Has(row)) point.Set(values.field(), values.Get(row));
  }
  return point;
}

}  // namespace cloudmon::store
