// SPDX-License-Identifier: Apache-2.0
// Reads the JSON of stored documents; see bucket_json.h for why it is not a general parser. Pure; one thread at a time.
#pragma once

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string_view>
#include <system_error>

#include "aggregator/series/model.h"

namespace cloudmon::store {

// Rates are stored with a decimal.
[[nodiscard]] inline bool IsRate(series::Field field) {
  return series::InfoOf(field).field_class == series::FieldClass::kRate;
}

// Reads JSON from the front. Every function returns false on text that is not what it should be; the
// position is then where.
class JsonScanner {
 public:
  explicit JsonScanner(std::string_view text) : begin_(text.data()), at_(begin_), end_(at_ + text.size()) {}

  [[nodiscard]] std::size_t offset() const { return static_cast<std::size_t>(at_ - begin_); }
  [[nodiscard]] bool AtEnd() {
    Blanks();
    return at_ == end_;
  }

  bool Take(char wanted) {
    Blanks();
    if (at_ == end_ || *at_ != wanted) return false;
    ++at_;
    return true;
  }

  // A string; escapes are kept as they are written, for none of our names has one.
  bool String(std::string_view& out) {
    if (!Take('"')) return false;
    const char* const first = at_;
    for (; at_ != end_ && *at_ != '"'; ++at_) {
      if (*at_ == '\\' && ++at_ == end_) return false;
    }
    if (at_ == end_) return false;
    out = {first, static_cast<std::size_t>(at_ - first)};
    ++at_;
    return true;
  }

  bool Int(std::int64_t& out) {
    Blanks();
    const auto [rest, error] = std::from_chars(at_, end_, out);
    if (error != std::errc{}) return false;
    at_ = rest;
    return true;
  }

  // A number with at most one decimal, in tenths.
  bool Tenths(std::int64_t& out) {
    Blanks();
    const bool negative = at_ != end_ && *at_ == '-';
    constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max() / series::kRateScale - 1;
    std::int64_t whole = 0;
    if (!Int(whole) || whole > kMost || whole < -kMost) return false;
    std::int64_t tenth = 0;
    if (at_ != end_ && *at_ == '.') {
      ++at_;
      if (at_ == end_ || *at_ < '0' || *at_ > '9') return false;
      tenth = *at_++ - '0';
    }
    out = whole * series::kRateScale + (negative ? -tenth : tenth);
    return true;
  }

  // A field's value; null leaves it unset.
  bool ValueOrNull(series::Field field, series::Point& out) {
    std::int64_t value = 0;
    if (!(IsRate(field) ? Tenths(value) : Int(value))) return Null();
    out.Set(field, value);
    return true;
  }

  // Any value of an unknown member: to the comma or bracket that ends it.
  bool Skip() {
    int depth = 0;
    for (Blanks(); at_ != end_; Blanks()) {
      std::string_view ignored;
      if (*at_ == '"') {
        if (!String(ignored)) return false;
        continue;
      }
      if (depth == 0 && (*at_ == ',' || *at_ == '}' || *at_ == ']')) return true;
      if (*at_ == '[' || *at_ == '{') ++depth;
      if (*at_ == ']' || *at_ == '}') --depth;
      ++at_;
    }
    return false;
  }

  // An array of plain values (no strings, arrays or objects in it): what is between its brackets.
  bool PlainArray(std::string_view& out) {
    if (!Take('[')) return false;
    const void* const close = std::memchr(at_, ']', static_cast<std::size_t>(end_ - at_));
    if (close == nullptr) return false;
    out = {at_, static_cast<std::size_t>(static_cast<const char*>(close) - at_)};
    at_ = static_cast<const char*>(close) + 1;
    return true;
  }

  // To behind the next `count` commas, whatever is before them. Only within a PlainArray().
  bool SkipCommas(std::size_t count) {
    while (static_cast<std::size_t>(end_ - at_) >= kBlock) {
      const std::size_t commas = CommasInBlock(at_);
      if (commas >= count) break;
      count -= commas;
      at_ += kBlock;
    }
    for (; count > 0 && at_ != end_; ++at_) count -= *at_ == ',' ? 1U : 0U;
    return count == 0;
  }

  // Calls `item` for each item of an array.
  template <class Item>
  bool Array(Item item) {
    if (!Take('[')) return false;
    if (Take(']')) return true;
    do {
      if (!item()) return false;
    } while (Take(','));
    return Take(']');
  }

  // Calls `member` with the name of each member of an object.
  template <class Member>
  bool Object(Member member) {
    if (!Take('{')) return false;
    if (Take('}')) return true;
    do {
      std::string_view name;
      if (!String(name) || !Take(':') || !member(name)) return false;
    } while (Take(','));
    return Take('}');
  }

  // The values of one member as an object.
  bool Values(series::Point& out) {
    return Object([&](std::string_view name) {
      const auto field = series::FieldByName(name);
      return field ? ValueOrNull(*field, out) : Skip();
    });
  }

 private:
  bool Null() {
    Blanks();
    if (!std::string_view(at_, static_cast<std::size_t>(end_ - at_)).starts_with("null")) return false;
    at_ += 4;
    return true;
  }

  static constexpr std::size_t kBlock = 32;

  // Without a branch, so that the compiler can take many bytes at once: this is where skipping gets its speed.
  static std::size_t CommasInBlock(const char* block) {
    std::uint8_t commas = 0;
    for (std::size_t i = 0; i < kBlock; ++i) commas = static_cast<std::uint8_t>(commas + (block[i] == ',' ? 1 : 0));
    return commas;
  }

  void Blanks() {
    while (at_ != end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\t' || *at_ == '\r')) ++at_;
  }

  const char* begin_;
  const char* at_;
  const char* end_;
};

}  // namespace cloudmon::store
