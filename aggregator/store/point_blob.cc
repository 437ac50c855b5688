// SPDX-License-Identifier: Apache-2.0
#include "aggregator/store/point_blob.h"

#include <cstddef>
#include <cstdint>

#include "aggregator/store/chunk_bits.h"

namespace cloudmon::store {

void AppendPoint(std::string& out, const series::Point& point) {
  std::uint64_t mask = 0;
  for (std::size_t i = 0; i < series::kFieldCount; ++i) {
    if (point.Has(series::kFields[i].field)) mask |= std::uint64_t{1} << i;
  }
  AppendVarint(out, mask);
  for (const series::FieldInfo& info : series::kFields) {
    if (point.Has(info.field)) AppendVarint(out, ZigZag(static_cast<std::uint64_t>(point.Get(info.field))));
  }
}

bool TakePoint(std::string_view& bytes, series::Point& out) {
  std::uint64_t mask = 0;
  if (!TakeVarint(bytes, mask) || mask >> series::kFieldCount != 0) return false;
  out = {};
  for (std::size_t i = 0; i < series::kFieldCount; ++i) {
    if ((mask >> i & 1U) == 0) continue;
    std::uint64_t value = 0;
    if (!TakeVarint(bytes, value)) return false;
    out.Set(series::kFields[i].field, static_cast<std::int64_t>(UnZigZag(value)));
  }
  return true;
}

}  // namespace cloudmon::store
