// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <limits>
#include <numeric>

#include "aggregator/store/chunk_bits.h"
#include "aggregator/store/chunk_column.h"
#include "aggregator/store/chunk_column_numbers.h"

namespace cloudmon::store {
namespace {

constexpr std::size_t kMedianSample = 21;  // so many say where the middle is
constexpr std::size_t kTallySample = 128;  // about so many, or more, say what a plan costs

std::uint64_t Bits(std::int64_t value) {
  return static_cast<std::uint64_t>(value);
}
std::int64_t Signed(std::uint64_t number) {
  return static_cast<std::int64_t>(number);
}
std::uint64_t Magnitude(std::uint64_t value) {
  return value >> 63U != 0 ? 0 - value : value;
}

// The largest number of which all differences are multiples; 1 where all are zero.
std::uint64_t CommonDivisor(Numbers differences) {
  std::uint64_t all = 0;
  for (const std::uint64_t difference : differences) all |= difference;
  const auto shift = static_cast<unsigned>(all == 0 ? 0 : std::countr_zero(all));
  std::uint64_t odd = 0;
  std::uint64_t last = 0;
  for (const std::uint64_t difference : differences) {
    if (difference == 0 || difference == last) continue;
    last = difference;
    odd = std::gcd(odd, Magnitude(difference) >> shift);
    if (odd == 1) break;
  }
  return std::max<std::uint64_t>(odd, 1) << shift;
}

void Divide(std::span<std::uint64_t> numbers, std::uint64_t divisor) {
  if (std::has_single_bit(divisor)) {
    const auto shift = static_cast<unsigned>(std::countr_zero(divisor));
    if (shift == 0) return;
    for (std::uint64_t& number : numbers) number = Bits(Signed(number) >> shift);
    return;
  }
  for (std::uint64_t& number : numbers) number = Bits(Signed(number) / Signed(divisor));
}

// Of a few of the numbers.
std::uint64_t Median(Numbers numbers) {
  std::array<std::int64_t, kMedianSample> sample{};
  const std::size_t count = std::min(numbers.size(), kMedianSample);
  for (std::size_t i = 0; i < count; ++i) sample[i] = Signed(numbers[i * numbers.size() / count]);
  const auto middle = sample.begin() + static_cast<std::ptrdiff_t>(count / 2);
  std::nth_element(sample.begin(), middle, sample.begin() + static_cast<std::ptrdiff_t>(count));
  return Bits(*middle);
}

// What numbers would cost, without writing them.
struct Tally {
  std::size_t widths = 0, zeros = 0;
  void Add(std::uint64_t number) {
    widths += static_cast<std::size_t>(std::bit_width(number));
    zeros += number == 0 ? 1 : 0;
  }
  // A number takes about a bit and a half more than its width, a run that and the width of the usual run.
  [[nodiscard]] std::size_t BitsOf(std::size_t count) const {
    const std::size_t others = count - zeros;
    const std::size_t dense = widths + count + count / 2;
    if (others == 0) return 0;
    return std::min(dense, widths + others * (3 + static_cast<std::size_t>(std::bit_width(count / others))));
  }
};

std::size_t VarintBits(std::uint64_t value) {
  return 8 * ((static_cast<std::size_t>(std::bit_width(value | 1U)) + 6) / 7);
}

std::size_t HeadBits(const Plan& plan) {
  return 8 + VarintBits(ZigZag(plan.base)) + (plan.step == 0 ? 0 : VarintBits(ZigZag(plan.step))) +
         (plan.divisor == 1 ? 0 : VarintBits(plan.divisor));
}

struct Range {
  std::int64_t low = std::numeric_limits<std::int64_t>::max();
  std::int64_t high = std::numeric_limits<std::int64_t>::min();
  void Add(std::int64_t value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
  [[nodiscard]] std::uint64_t Width() const { return Bits(high) - Bits(low); }
};

bool AllAre(std::span<const std::int64_t> values, std::int64_t value) {
  return std::find_if(values.begin(), values.end(), [&](std::int64_t other) { return other != value; }) == values.end();
}

}  // namespace

std::size_t ColumnEncoder::Take(std::span<const std::int64_t> values) {
  plan_ = {.base = Bits(values.front())};
  const std::span<const std::int64_t> others = values.subspan(1);
  empty_ = others.empty() || AllAre(others, others.front());
  zero_ = empty_ && values.front() == 0 && (others.empty() || others.front() == 0);
  if (zero_) return 0;
  if (empty_) {
    if (others.empty() || others.front() == values.front()) return HeadBits(plan_);
    plan_.order = kOrderFirstApart;
    plan_.step = Bits(others.front());
    return HeadBits(plan_);
  }
  Scale(values);
  return ChoosePlan();
}

// Differences can wrap, and then have no common divisor.
void ColumnEncoder::Scale(std::span<const std::int64_t> values) {
  differences_.resize(values.size() - 1);
  scaled_.resize(values.size());
  Range range;
  for (const std::int64_t value : values) range.Add(value);
  for (std::size_t i = 0; i < differences_.size(); ++i) differences_[i] = Bits(values[i + 1]) - Bits(values[i]);
  if (range.Width() <= Bits(std::numeric_limits<std::int64_t>::max())) plan_.divisor = CommonDivisor(differences_);
  Divide(differences_, plan_.divisor);
  scaled_.front() = 0;
  for (std::size_t i = 0; i < differences_.size(); ++i) scaled_[i + 1] = scaled_[i] + differences_[i];
}

std::size_t ColumnEncoder::ChoosePlan() {
  Range others;
  for (const std::uint64_t value : Numbers(scaled_).subspan(1)) others.Add(Signed(value));
  const std::uint64_t to_first = others.low > 0 ? Bits(others.low) : others.high < 0 ? 0 - Bits(others.high) : 0;
  const bool apart = to_first > others.Width();
  const std::uint64_t least = Bits(apart ? others.low : std::min<std::int64_t>(others.low, 0));
  const std::uint64_t middle = Median(Numbers(scaled_).subspan(apart ? 1 : 0));
  const std::uint64_t usual = Median(differences_);

  Tally from_least, from_middle, differences, from_usual, second;
  const std::size_t stride = std::max<std::size_t>(1, scaled_.size() / kTallySample);
  std::size_t tallied = 0;
  for (std::size_t i = 2; i < scaled_.size(); i += stride, ++tallied) {
    const std::uint64_t difference = differences_[i - 1];
    from_least.Add(scaled_[i] - least);
    from_middle.Add(ZigZag(scaled_[i] - middle));
    differences.Add(difference);
    from_usual.Add(ZigZag(difference - usual));
    second.Add(ZigZag(difference - differences_[i - 2]));
  }

  std::size_t best = std::numeric_limits<std::size_t>::max();
  const Plan first = plan_;
  const auto consider = [&](const Tally& tally, Plan plan, std::uint64_t subtract) {
    const std::size_t bits = HeadBits(plan) + tally.BitsOf(tallied) * scaled_.size() / tallied;
    if (bits >= best) return;
    best = bits;
    plan_ = plan;
    subtract_ = subtract;
  };
  const auto values_from = [&](std::uint64_t from, bool has_sign) {
    Plan plan = first;
    plan.order = apart ? kOrderFirstApart : kOrderValues;
    plan.has_sign = has_sign;
    (apart ? plan.step : plan.base) = first.base + from * first.divisor;
    return plan;
  };
  consider(from_least, values_from(least, false), least);
  consider(from_middle, values_from(middle, true), middle);
  const auto differences_from = [&](unsigned order, bool has_sign, std::uint64_t step) {
    Plan plan = first;
    plan.order = order;
    plan.has_sign = has_sign;
    plan.step = step;
    return plan;
  };
  consider(differences, differences_from(1, false, 0), 0);
  consider(from_usual, differences_from(1, true, usual), usual);
  consider(second, differences_from(2, true, differences_.front()), 0);
  return best;
}

void ColumnEncoder::FillNumbers() {
  const bool of_values = plan_.order == kOrderValues || plan_.order == kOrderFirstApart;
  const Numbers from =
      of_values ? Numbers(scaled_).subspan(plan_.order == kOrderValues ? 0 : 1) : Numbers(differences_);
  numbers_.resize(from.size());
  for (std::size_t i = 0; i < from.size(); ++i) numbers_[i] = from[i] - subtract_;
  if (plan_.order == 2) {
    for (std::size_t i = from.size() - 1; i > 0; --i) numbers_[i] -= from[i - 1];
    numbers_.front() = 0;
  }
  if (!plan_.has_sign) return;
  for (std::uint64_t& number : numbers_) number = ZigZag(number);
}

void ColumnEncoder::AppendTo(std::string& out) {
  if (zero_) return;
  if (!empty_) FillNumbers();
  const bool as_runs = !empty_ && RunsAreShorter(numbers_);
  const unsigned flags = plan_.order | (plan_.has_sign ? kColumnSigned : 0U) | (as_runs ? kColumnRuns : 0U) |
                         (plan_.divisor != 1 ? kColumnScaled : 0U) | (plan_.step != 0 ? kColumnStep : 0U) |
                         (empty_ ? kColumnEmpty : 0U);
  out += static_cast<char>(flags);
  AppendVarint(out, ZigZag(plan_.base));
  if (plan_.step != 0) AppendVarint(out, ZigZag(plan_.step));
  if (plan_.divisor != 1) AppendVarint(out, plan_.divisor);
  if (!empty_) AppendNumbers(out, numbers_, as_runs);
}

}  // namespace cloudmon::store
