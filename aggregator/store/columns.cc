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

// Values are written byte by byte: the first bytes of all rows, then the second ones. The upper bytes of a column are
// much alike, so that they compress well side by side.
void ColumnBlock::AppendTo(std::string& out) const {
  out += static_cast<char>(headers_.size());
  for (const Header& header : headers_) {
    out += static_cast<char>(header.field);
    out += static_cast<char>(header.width);
    out += static_cast<char>(header.partial ? 1 : 0);
    out.append(reinterpret_cast<const char*>(&header.base), sizeof header.base);
    const std::uint8_t* const values = bytes_.data() + header.offset + BitmapBytes(header);
    out.append(reinterpret_cast<const char*>(bytes_.data() + header.offset), BitmapBytes(header));
    const std::size_t begin = out.size();
    out.resize(begin + header.width * rows_);
    char* to = out.data() + begin;
    for (std::size_t byte = 0; byte < header.width; ++byte) {
      for (std::size_t row = 0; row < rows_; ++row) *to++ = static_cast<char>(values[row * header.width + byte]);
    }
  }
}

bool ColumnBlock::TakeFrom(std::string_view& bytes, std::size_t rows, ColumnBlock& out) {
  out = ColumnBlock();
  if (bytes.empty() || rows > bytes.size() * 64 || rows > UINT32_MAX) return false;
  out.rows_ = static_cast<std::uint32_t>(rows);
  auto columns = static_cast<std::uint8_t>(bytes.front());
  bytes.remove_prefix(1);
  for (; columns > 0; --columns) {
    if (!out.TakeColumn(bytes)) return false;
  }
  out.bytes_.resize(out.bytes_.size() + kPadding);
  out.bytes_.shrink_to_fit();
  out.headers_.shrink_to_fit();
  return true;
}

bool ColumnBlock::TakeColumn(std::string_view& bytes) {
  constexpr std::size_t kFixed = 3 + sizeof(std::uint64_t);
  if (bytes.size() < kFixed) return false;
  const auto field = static_cast<std::uint8_t>(bytes[0]);
  const auto width = static_cast<std::uint8_t>(bytes[1]);
  const auto partial = static_cast<std::uint8_t>(bytes[2]);
  const bool known = field < series::kFieldCount && width <= sizeof(std::uint64_t) && partial <= 1;
  const bool rising = headers_.empty() || static_cast<std::uint8_t>(headers_.back().field) < field;
  if (!known || !rising) return false;
  Header header{0, static_cast<std::uint32_t>(bytes_.size()), static_cast<series::Field>(field), width, partial == 1};
  std::memcpy(&header.base, bytes.data() + 3, sizeof header.base);
  bytes.remove_prefix(kFixed);
  const std::size_t bitmap = BitmapBytes(header);
  if (bytes.size() < bitmap + width * std::size_t{rows_}) return false;
  bytes_.resize(bytes_.size() + bitmap + width * std::size_t{rows_});
  if (bitmap > 0) std::memcpy(bytes_.data() + header.offset, bytes.data(), bitmap);
  std::uint8_t* const values = bytes_.data() + header.offset + bitmap;
  const char* from = bytes.data() + bitmap;
  for (std::size_t byte = 0; byte < width; ++byte) {
    for (std::size_t row = 0; row < rows_; ++row) values[row * width + byte] = static_cast<std::uint8_t>(*from++);
  }
  bytes.remove_prefix(bitmap + width * std::size_t{rows_});
  headers_.push_back(header);
  return true;
}

}  // namespace cloudmon::store
