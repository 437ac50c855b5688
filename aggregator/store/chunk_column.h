// SPDX-License-Identifier: Apache-2.0
// One column of integers as few bytes: what is left of each value after the one or two before it, and runs of zeros
// (docs/store_format.md).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "aggregator/store/chunk_column_plan.h"

namespace cloudmon::store {

// Keeps its memory from one column to the next. One thread at a time.
class ColumnEncoder {
 public:
  // Finds how few bytes the values take; about so many bits, 0 where all are 0. `values` is not empty.
  std::size_t Take(std::span<const std::int64_t> values);
  // Writes the values last taken; nothing where all are 0.
  void AppendTo(std::string& out);

 private:
  void Scale(std::span<const std::int64_t> values);
  std::size_t ChoosePlan();
  void FillNumbers();

  Plan plan_;
  std::uint64_t subtract_ = 0;              // from each of scaled_ or differences_
  bool zero_ = false;                       // all values are 0
  bool empty_ = false;                      // base and step say all
  std::vector<std::uint64_t> scaled_;       // distances from the first value, divided
  std::vector<std::uint64_t> differences_;  // of scaled_
  std::vector<std::uint64_t> numbers_;      // what is written
};

// Reads the first out.size() of the column's `count` values. False where the bytes are not those of a column. Safe from
// any thread.
[[nodiscard]] bool DecodeColumn(std::string_view bytes, std::size_t count, std::span<std::int64_t> out);

}  // namespace cloudmon::store
