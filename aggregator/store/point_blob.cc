// SPDX-License-Identifier: Apache-2.0
#include "aggregator/store/point_blob.h"

#include <cstddef>
#include <cstdint>

namespace cloudmon::store {
namespace {

void AppendNumber(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7U) out += static_cast<char>(value | 0x80U);
  out += static_cast<char>(value);
}

bool TakeNumber(std::string_view& bytes, std::uint64_t& out) {
  out = 0;
  for (unsigned shift = 0; shift < 64 && !bytes.empty(); shift += 7) {
    const auto byte = static_cast<std::uint8_t>(bytes.front());
    bytes.remove_prefix(1);
    out |= std::uint64_t{byte & 0x7fU} << shift;
    if (byte < 0x80) return true;
  }
  return false;
}

std::uint64_t SignLast(std::int64_t value) {
  return static_cast<std::uint64_t>(value) << 1U ^ static_cast<std::uint64_t>(value >> 63);
}

std::int64_t SignFirst(std::uint64_t value) {
  return static_cast<std::int64_t>(value >> 1U ^ (~(value & 1U) + 1));
}

}  // namespace

void AppendBlob(std::string& out, const series::Point& point) {
  std::uint64_t mask = 0;
  for (std::size_t i = 0; i < series::kFieldCount; ++i) {
    if (point.Has(series::kFields[i].field)) mask |= std::uint64_t{1} << i;
  }
  AppendNumber(out, mask);
  for (const series::FieldInfo& info : series::kFields) {
    if (point.Has(info.field)) AppendNumber(out, SignLast(point.Get(info.field)));
  }
}

std::optional<series::Point> PointOfBlob(std::string_view blob) {
  std::uint64_t mask = 0;
  if (!TakeNumber(blob, mask) || mask >> series::kFieldCount != 0) return std::nullopt;
  series::Point point;
  for (std::size_t i = 0; i < series::kFieldCount; ++i) {
    if ((mask >> i & 1U) == 0) continue;
    std::uint64_t value = 0;
    if (!TakeNumber(blob, value)) return std::nullopt;
    point.Set(series::kFields[i].field, SignFirst(value));
  }
  if (!blob.empty()) return std::nullopt;
  return point;
}

}  // namespace cloudmon::store
