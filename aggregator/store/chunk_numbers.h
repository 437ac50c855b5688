// SPDX-License-Identifier: Apache-2.0
// Numbers without sign in few bits: Rice codes whose parameter follows the numbers (docs/store_format.md). Pure.
#pragma once

#include <bit>
#include <cstdint>

#include "aggregator/store/chunk_bits.h"

namespace cloudmon::store {

inline constexpr unsigned kNumberWidthBits = 6;

// A stream of numbers of like size. Writer and reader hold the same state: a running average of how many bits a number
// has, which a burst or a single outlier moves by little.
class NumberCode {
 public:
  // `first_width`: bits that the first numbers are expected to have, 0 to 63.
  explicit NumberCode(unsigned first_width) : level_(static_cast<int>(first_width) * kOne) {}

  // `Sink` is a BitWriter or a BitCounter.
  template <class Sink>
  void Put(Sink& sink, std::uint64_t value) {
    const unsigned low = LowCount();
    const std::uint64_t high = value >> low;
    const unsigned ones = static_cast<unsigned>(high) + 1;
    if (high < kEscape && ones + low <= 64) {
      sink.Put(LowBits(ones - 1) | (value & LowBits(low)) << ones, ones + low);
    } else if (high < kEscape) {
      sink.Put(LowBits(ones - 1), ones);
      sink.Put(value, low);
    } else {
      const auto width = static_cast<unsigned>(std::bit_width(value));
      sink.Put(LowBits(kEscape), kEscape);
      sink.Put(width - 1, kNumberWidthBits);
      sink.Put(value, width);
    }
    Follow(value);
  }

  [[nodiscard]] std::uint64_t Take(BitReader& reader) {
    const unsigned low = LowCount();
    const std::uint64_t word = reader.Peek();
    const auto high = static_cast<unsigned>(std::countr_one(word));
    std::uint64_t value = 0;
    if (high >= kEscape) {
      reader.Skip(kEscape);
      const auto width = static_cast<unsigned>(reader.Take(kNumberWidthBits)) + 1;
      value = reader.Take(width);
    } else if (high + 1 + low <= kPeekBits) {
      value = std::uint64_t{high} << low | (word >> (high + 1) & LowBits(low));
      reader.Skip(high + 1 + low);
    } else {
      reader.Skip(high + 1);
      value = std::uint64_t{high} << low | reader.Take(low);
    }
    Follow(value);
    return value;
  }

 private:
  static constexpr int kOne = 256;        // level_ counts in 256ths of a bit
  static constexpr int kFollow = 3;       // a number moves the average by an eighth of its distance
  static constexpr unsigned kEscape = 8;  // after so many ones the number follows with its width
  static constexpr unsigned kPeekBits = 57;

  [[nodiscard]] unsigned LowCount() const { return static_cast<unsigned>(level_ / kOne); }
  void Follow(std::uint64_t value) { level_ += (static_cast<int>(std::bit_width(value)) * kOne - level_) >> kFollow; }

  int level_;
};

}  // namespace cloudmon::store
