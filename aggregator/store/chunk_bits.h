// SPDX-License-Identifier: Apache-2.0
// Bits and variable-length numbers of a chunk blob (docs/store_format.md). Pure; one thread at a time for each object.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace cloudmon::store {

static_assert(std::endian::native == std::endian::little, "bits are read and written as little-endian words");

// The sign goes to the lowest bit, so that small numbers of either sign are small.
[[nodiscard]] constexpr std::uint64_t ZigZag(std::uint64_t value) {
  return value << 1U ^ (0 - (value >> 63U));
}
[[nodiscard]] constexpr std::uint64_t UnZigZag(std::uint64_t value) {
  return value >> 1U ^ (0 - (value & 1U));
}

// The lowest `count` bits set; `count` 0 to 64.
[[nodiscard]] constexpr std::uint64_t LowBits(unsigned count) {
  return count == 0 ? 0 : ~std::uint64_t{0} >> (64U - count);
}

inline void AppendVarint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7U) out += static_cast<char>(value | 0x80U);
  out += static_cast<char>(value);
}

// Takes a number from the front of `bytes`; false where there is none (cut off, or over 64 bits).
[[nodiscard]] inline bool TakeVarint(std::string_view& bytes, std::uint64_t& out) {
  out = 0;
  for (unsigned shift = 0; shift < 64 && !bytes.empty(); shift += 7) {
    const auto byte = static_cast<std::uint8_t>(bytes.front());
    bytes.remove_prefix(1);
    const std::uint64_t part = byte & 0x7fU;
    if (shift == 63 && part > 1) return false;
    out |= part << shift;
    if (byte < 0x80) return true;
  }
  return false;
}

// Appends bits to a string, low ones first. Flush() before the string is used.
class BitWriter {
 public:
  explicit BitWriter(std::string& out) : out_(&out) {}

  // `count` 0 to 64; bits of `value` above them are ignored.
  void Put(std::uint64_t value, unsigned count) {
    if (count == 0) return;
    value &= LowBits(count);
    word_ |= value << used_;
    if (used_ + count < 64) {
      used_ += count;
      return;
    }
    out_->append(reinterpret_cast<const char*>(&word_), sizeof word_);
    const unsigned taken = 64 - used_;
    word_ = taken == 64 ? 0 : value >> taken;
    used_ = count - taken;
  }
  // Fills the last byte with zeros.
  void Flush() {
    out_->append(reinterpret_cast<const char*>(&word_), (used_ + 7) / 8);
    word_ = 0;
    used_ = 0;
  }

 private:
  std::string* out_;
  std::uint64_t word_ = 0;
  unsigned used_ = 0;  // bits of word_, 0 to 63
};

// Takes the place of a BitWriter to learn how many bits would be written.
class BitCounter {
 public:
  void Put(std::uint64_t, unsigned count) { bits_ += count; }
  [[nodiscard]] std::size_t bits() const { return bits_; }

 private:
  std::size_t bits_ = 0;
};

// Reads what a BitWriter wrote. Behind the end there are zeros without end, and Overrun() is true.
class BitReader {
 public:
  explicit BitReader(std::string_view bytes) : bytes_(bytes) {}

  // The next 57 bits or more, without taking them.
  [[nodiscard]] std::uint64_t Peek() const {
    const std::size_t byte = position_ / 8;
    std::uint64_t word = 0;
    if (byte + sizeof word <= bytes_.size()) {
      std::memcpy(&word, bytes_.data() + byte, sizeof word);
    } else if (byte < bytes_.size()) {
      std::memcpy(&word, bytes_.data() + byte, bytes_.size() - byte);
    }
    return word >> (position_ % 8);
  }
  void Skip(unsigned count) { position_ += count; }
  // `count` 0 to 64.
  [[nodiscard]] std::uint64_t Take(unsigned count) {
    const unsigned low = std::min(count, 32U);
    std::uint64_t value = Peek() & LowBits(low);
    Skip(low);
    if (count > low) {
      value |= (Peek() & LowBits(count - low)) << low;
      Skip(count - low);
    }
    return value;
  }
  // Up to the end of the byte that holds the last bit taken.
  [[nodiscard]] std::size_t BytesTaken() const { return (position_ + 7) / 8; }
  [[nodiscard]] bool Overrun() const { return position_ > bytes_.size() * 8; }

 private:
  std::string_view bytes_;
  std::size_t position_ = 0;  // in bits
};

}  // namespace cloudmon::store
