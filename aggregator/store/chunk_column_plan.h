// SPDX-License-Identifier: Apache-2.0
// What the writer and the reader of a column share (docs/store_format.md).
#pragma once

#include <cstdint>
#include <vector>

namespace cloudmon::store {

using Numbers = std::vector<std::uint64_t>;  // modulo 2^64: a difference of two extremes wraps

// Bits of a column's first byte.
inline constexpr unsigned kColumnOrderMask = 3;    // 0: values, 1: their differences, 2: the differences of those
inline constexpr unsigned kColumnSigned = 1 << 2;  // of either sign
inline constexpr unsigned kColumnRuns = 1 << 3;    // numbers of zeros, and what is not zero
inline constexpr unsigned kColumnScaled = 1 << 4;  // all differences are multiples of a number
inline constexpr unsigned kColumnKnownBits = kColumnOrderMask | kColumnSigned | kColumnRuns | kColumnScaled;

// A way to write a column: out of `base` and `step` come the values.
struct Plan {
  unsigned order = 0;
  bool has_sign = false;
  std::uint64_t divisor = 1;
  std::uint64_t base = 0;  // order 0: taken from each value. 1 and 2: the first value
  std::uint64_t step = 0;  // order 1: taken from each difference. 2: the difference before the first
};

}  // namespace cloudmon::store
