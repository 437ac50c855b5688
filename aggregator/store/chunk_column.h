// SPDX-License-Identifier: Apache-2.0
// One column of integers as few bytes: what is left of each value after the one or two before it, and runs of zeros
// (docs/store_format.md). Pure; safe from any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace cloudmon::store {

// The encoding that takes the fewest bytes; `values` is not empty.
[[nodiscard]] std::string EncodeColumn(std::span<const std::int64_t> values);

// Reads the first out.size() of the column's `count` values. False where the bytes are not those of a column.
[[nodiscard]] bool DecodeColumn(std::string_view bytes, std::size_t count, std::span<std::int64_t> out);

}  // namespace cloudmon::store
