// SPDX-License-Identifier: Apache-2.0
#include "aggregator/store/chunk_column.h"

#include <algorithm>

#include "aggregator/store/chunk_numbers.h"

namespace cloudmon::store {
namespace {

void TakeDense(BitReader& reader, std::span<std::int64_t> out) {
  NumberCode code(static_cast<unsigned>(reader.Take(kNumberWidthBits)));
  for (std::int64_t& number : out) number = static_cast<std::int64_t>(code.Take(reader));
}

void TakeRuns(BitReader& reader, std::span<std::int64_t> out) {
  NumberCode run_code(static_cast<unsigned>(reader.Take(kNumberWidthBits)));
  NumberCode number_code(static_cast<unsigned>(reader.Take(kNumberWidthBits)));
  for (std::size_t i = 0; i < out.size(); ++i) {
    const std::uint64_t run = std::min<std::uint64_t>(run_code.Take(reader), out.size() - i);
    std::fill_n(out.begin() + static_cast<std::ptrdiff_t>(i), run, 0);
    i += run;
    if (i < out.size()) out[i] = static_cast<std::int64_t>(number_code.Take(reader) + 1);
  }
}

bool TakeHead(std::string_view& bytes, unsigned& flags, Plan& plan) {
  flags = static_cast<std::uint8_t>(bytes.front());
  bytes.remove_prefix(1);
  plan.order = flags & kColumnOrderMask;
  plan.has_sign = (flags & kColumnSigned) != 0;
  if ((flags & ~kColumnKnownBits) != 0 || !TakeVarint(bytes, plan.base)) return false;
  if ((flags & kColumnStep) != 0 && !TakeVarint(bytes, plan.step)) return false;
  plan.base = UnZigZag(plan.base);
  plan.step = UnZigZag(plan.step);
  return (flags & kColumnScaled) == 0 || TakeVarint(bytes, plan.divisor);
}

// Turns each number into its value. `Next` makes it out of the number.
template <class Next>
void Turn(std::span<std::int64_t> numbers, bool has_sign, Next next) {
  for (std::int64_t& number : numbers) {
    const auto written = static_cast<std::uint64_t>(number);
    number = static_cast<std::int64_t>(next(has_sign ? UnZigZag(written) : written));
  }
}

void Restore(const Plan& plan, std::span<std::int64_t> numbers) {
  std::uint64_t value = plan.base;
  std::uint64_t step = plan.step;
  if (plan.order == 1) {
    Turn(numbers, plan.has_sign, [&](std::uint64_t number) { return value += (number + step) * plan.divisor; });
  } else if (plan.order == 2) {
    Turn(numbers, plan.has_sign, [&](std::uint64_t number) { return value += (step += number) * plan.divisor; });
  } else {
    const std::uint64_t from = plan.order == kOrderFirstApart ? plan.step : plan.base;
    Turn(numbers, plan.has_sign, [&](std::uint64_t number) { return from + number * plan.divisor; });
  }
}

}  // namespace

bool DecodeColumn(std::string_view bytes, std::size_t count, std::span<std::int64_t> out) {
  if (bytes.empty()) {
    std::fill(out.begin(), out.end(), 0);
    return true;
  }
  unsigned flags = 0;
  Plan plan;
  if (!TakeHead(bytes, flags, plan) || count == 0) return false;
  if (out.empty()) return true;
  std::span<std::int64_t> numbers = out;
  if (plan.order != kOrderValues) {
    out.front() = static_cast<std::int64_t>(plan.base);
    numbers = out.subspan(1);
  }
  if ((flags & kColumnEmpty) != 0) {
    std::fill(numbers.begin(), numbers.end(), 0);
  } else {
    BitReader reader(bytes);
    (flags & kColumnRuns) != 0 ? TakeRuns(reader, numbers) : TakeDense(reader, numbers);
    if (reader.Overrun()) return false;
  }
  Restore(plan, numbers);
  return true;
}

}  // namespace cloudmon::store
