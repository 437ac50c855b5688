// SPDX-License-Identifier: Apache-2.0
#include "aggregator/store/chunk_column.h"

#include <algorithm>

#include "aggregator/store/chunk_column_plan.h"
#include "aggregator/store/chunk_numbers.h"

namespace cloudmon::store {
namespace {

void TakeDense(BitReader& reader, std::span<std::uint64_t> out) {
  NumberCode code(static_cast<unsigned>(reader.Take(kNumberWidthBits)));
  for (std::uint64_t& number : out) number = code.Take(reader);
}

void TakeRuns(BitReader& reader, std::span<std::uint64_t> out) {
  NumberCode run_code(static_cast<unsigned>(reader.Take(kNumberWidthBits)));
  NumberCode number_code(static_cast<unsigned>(reader.Take(kNumberWidthBits)));
  for (std::size_t i = 0; i < out.size(); ++i) {
    const std::uint64_t run = std::min<std::uint64_t>(run_code.Take(reader), out.size() - i);
    std::fill_n(out.begin() + static_cast<std::ptrdiff_t>(i), run, 0);
    i += run;
    if (i < out.size()) out[i] = number_code.Take(reader) + 1;
  }
}

struct Head {
  unsigned flags = 0;
  Plan plan;
};

bool TakeHead(std::string_view& bytes, Head& head) {
  if (bytes.empty()) return false;
  head.flags = static_cast<std::uint8_t>(bytes.front());
  bytes.remove_prefix(1);
  Plan& plan = head.plan;
  plan.order = head.flags & kColumnOrderMask;
  plan.has_sign = (head.flags & kColumnSigned) != 0;
  if (plan.order == 3 || (head.flags & ~kColumnKnownBits) != 0) return false;
  if (!TakeVarint(bytes, plan.base) || (plan.order > 0 && !TakeVarint(bytes, plan.step))) return false;
  plan.base = UnZigZag(plan.base);
  plan.step = UnZigZag(plan.step);
  return (head.flags & kColumnScaled) == 0 || TakeVarint(bytes, plan.divisor);
}

// From what was written to the values; `numbers` may be fewer than the values of an order above 0 by one.
void Restore(const Plan& plan, std::span<const std::uint64_t> numbers, std::span<std::int64_t> out) {
  const auto number = [&](std::size_t i) { return plan.has_sign ? UnZigZag(numbers[i]) : numbers[i]; };
  if (plan.order == 0) {
    for (std::size_t i = 0; i < out.size(); ++i) {
      out[i] = static_cast<std::int64_t>(plan.base + number(i) * plan.divisor);
    }
    return;
  }
  std::uint64_t value = plan.base;
  std::uint64_t step = plan.step;
  out[0] = static_cast<std::int64_t>(value);
  for (std::size_t i = 1; i < out.size(); ++i) {
    const std::uint64_t difference = number(i - 1) + step;
    if (plan.order == 2) step = difference;
    value += difference * plan.divisor;
    out[i] = static_cast<std::int64_t>(value);
  }
}

}  // namespace

bool DecodeColumn(std::string_view bytes, std::size_t count, std::span<std::int64_t> out) {
  Head head;
  if (!TakeHead(bytes, head)) return false;
  if (out.empty()) return true;
  BitReader reader(bytes);
  Numbers numbers(std::min(out.size(), head.plan.order == 0 ? count : count - 1));
  (head.flags & kColumnRuns) != 0 ? TakeRuns(reader, numbers) : TakeDense(reader, numbers);
  if (reader.Overrun()) return false;
  Restore(head.plan, numbers, out);
  return true;
}

}  // namespace cloudmon::store
