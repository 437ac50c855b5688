// SPDX-License-Identifier: Apache-2.0
// Writes one entry, the flat JSON object of the series routes and of exported files. One thread at a time.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "aggregator/series/model.h"

namespace cloudmon::api {

// The longest number: a sign, 19 digits, a point.
inline constexpr std::size_t kMaxNumberBytes = 24;

// Text that grows by whole entries: Reserve() once for each, then plain copies without further checks.
class TextBuffer {
 public:
  explicit TextBuffer(std::size_t first_bytes) { text_.resize(first_bytes); }

  void Reserve(std::size_t bytes) {
    if (text_.size() - used_ < bytes) text_.resize(std::max(text_.size() * 2, used_ + bytes));
  }
  void Put(std::string_view piece) {
    std::memcpy(text_.data() + used_, piece.data(), piece.size());
    used_ += piece.size();
  }
  void Put(std::int64_t value) {
    char* at = text_.data() + used_;
    used_ = static_cast<std::size_t>(std::to_chars(at, at + kMaxNumberBytes, value).ptr - text_.data());
  }
  void PutTenths(std::int64_t tenths) {
    if (tenths < 0) Put("-");
    Put(tenths < 0 ? -(tenths / series::kRateScale) : tenths / series::kRateScale);
    const char decimal = static_cast<char>('0' + std::abs(tenths % series::kRateScale));
    Put(std::string_view(".")), Put(std::string_view(&decimal, 1));
  }
  void PutValue(const series::FieldInfo& info, std::int64_t value) {
    info.field_class == series::FieldClass::kRate ? PutTenths(value) : Put(value);
  }
  void DropLast() { --used_; }
  void Clear() { used_ = 0; }
  [[nodiscard]] std::size_t size() const { return used_; }
  [[nodiscard]] std::string_view view() const { return std::string_view(text_).substr(0, used_); }
  // Reserves and puts.
  void Append(std::string_view piece) {
    Reserve(piece.size());
    Put(piece);
  }
  std::string Take() {
    text_.resize(used_);
    return std::move(text_);
  }

 private:
  std::string text_;
  std::size_t used_ = 0;
};
static_assert(series::kRateScale == 10, "rates are written with one decimal");

// Appends `text` (valid UTF-8) as a JSON string with its quotes.
void AppendJsonString(std::string& out, std::string_view text);

// Appends `,"node":"a","namespace":"b"`: the parts of the identity that are not empty.
void AppendIdentity(std::string& out, const series::Member& member);

// What does not change between entries is rendered once.
class EntryWriter {
 public:
  // Those of `fields` that a point has are written, in that order.
  explicit EntryWriter(std::vector<series::FieldInfo> fields);

  // `identity`: as AppendIdentity() writes it.
  void Write(TextBuffer& out, std::int64_t time_seconds, std::string_view identity, const series::Point& point);

 private:
  // `{"timestamp":"2026-11-22 17:40:10","time":1795369210`
  const std::string& Head(std::int64_t seconds);

  const std::vector<series::FieldInfo> fields_;
  std::vector<std::string> keys_;                        // `,"memory_bytes":` by field
  std::size_t max_bytes_;                                // of an entry without its identity
  std::unordered_map<std::int64_t, std::string> heads_;  // by time; references stay valid while it grows
  const std::string* last_head_ = nullptr;
  std::int64_t last_seconds_ = 0;
};

}  // namespace cloudmon::api
