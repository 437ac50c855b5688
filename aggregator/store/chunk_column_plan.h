// SPDX-License-Identifier: Apache-2.0
// What the writer and the reader of a column share (docs/store_format.md).
#pragma once

#include <cstdint>

namespace cloudmon::store {

// Bits of a column's first byte.
inline constexpr unsigned kColumnOrderMask = 3;    // Plan::order
inline constexpr unsigned kColumnSigned = 1 << 2;  // numbers of either sign
inline constexpr unsigned kColumnRuns = 1 << 3;    // numbers of zeros, and what is not zero
inline constexpr unsigned kColumnScaled = 1 << 4;  // all differences are multiples of a number
inline constexpr unsigned kColumnStep = 1 << 5;    // the step is not 0
inline constexpr unsigned kColumnEmpty = 1 << 6;   // all numbers are 0 and not written
inline constexpr unsigned kColumnKnownBits = 0x7f;

// 1: differences. 2: the differences of those.
inline constexpr unsigned kOrderValues = 0;
inline constexpr unsigned kOrderFirstApart = 3;  // values, of which the first is nothing like the others

// A way to write a column: out of `base` and `step` come the values. All modulo 2^64.
struct Plan {
  unsigned order = kOrderValues;
  bool has_sign = false;
  std::uint64_t divisor = 1;
  std::uint64_t base = 0;  // order 0: taken from each value. Others: the first value
  std::uint64_t step =
      0;  // 1: taken from each difference. 2: the difference before the first. 3: taken from the others
};

}  // namespace cloudmon::store
