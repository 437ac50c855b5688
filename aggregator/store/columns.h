// SPDX-License-Identifier: Apache-2.0
// The points of one bucket by columns, packed: what the head keeps. Pure; immutable once built, so safe to share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "aggregator/series/model.h"

namespace cloudmon::store {

// A column for each field that any row has. A value takes as many whole bytes as the column's range needs: none where
// all rows have the same value. Measured on real pods: about 45 bytes a point where a series::Point has 144.
class ColumnBlock {
 public:
  // Reads one column. Valid while the block lives.
  class Column {
   public:
    [[nodiscard]] series::Field field() const { return field_; }
    [[nodiscard]] bool Has(std::size_t row) const {
      return presence_ == nullptr || (presence_[row / 8] >> (row % 8) & 1U) != 0;
    }
    // Undefined where the row has no value.
    [[nodiscard]] std::int64_t Get(std::size_t row) const;

   private:
    friend class ColumnBlock;
    series::Field field_{};
    std::uint8_t width_ = 0;
    std::uint64_t base_ = 0;
    const std::uint8_t* presence_ = nullptr;  // null: every row has a value
    const std::uint8_t* values_ = nullptr;
  };

  ColumnBlock() = default;
  explicit ColumnBlock(const std::vector<const series::Point*>& rows);

  [[nodiscard]] std::size_t rows() const { return rows_; }
  [[nodiscard]] std::size_t column_count() const { return headers_.size(); }
  // In the order of kFields; `index` < column_count().
  [[nodiscard]] Column column(std::size_t index) const;
  // All values of one row.
  [[nodiscard]] series::Point Row(std::size_t row) const;

  // Appends the columns to a bucket document (docs/store_format.md).
  void AppendTo(std::string& out) const;
  // Takes as many rows from the front of `bytes`. False where they are not whole or not as AppendTo() writes them.
  [[nodiscard]] static bool TakeFrom(std::string_view& bytes, std::size_t rows, ColumnBlock& out);

 private:
  struct Header {
    std::uint64_t base;    // the smallest value, as two's complement
    std::uint32_t offset;  // in bytes_: the presence bitmap if there is one, then the values
    series::Field field;
    std::uint8_t width;  // bytes of a value: its difference from base, little-endian
    bool partial;        // has a presence bitmap
  };

  void Pack(series::Field field, const std::vector<const series::Point*>& rows);
  [[nodiscard]] bool TakeColumn(std::string_view& bytes);
  [[nodiscard]] std::size_t BitmapBytes(const Header& header) const { return header.partial ? (rows_ + 7) / 8 : 0; }

  std::uint32_t rows_ = 0;
  std::vector<Header> headers_;
  std::vector<std::uint8_t> bytes_;  // ends in 8 bytes of padding: a value is read as 8 bytes
};

}  // namespace cloudmon::store
