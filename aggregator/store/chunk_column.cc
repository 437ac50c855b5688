// SPDX-License-Identifier: Apache-2.0
#include "aggregator/store/chunk_column.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <vector>

#include "aggregator/store/chunk_numbers.h"

namespace cloudmon::store {
namespace {

// Bits of a column's first byte.
constexpr unsigned kOrderMask = 3;    // what is written: 0 values, 1 their differences, 2 the differences of those
constexpr unsigned kSigned = 1 << 2;  // of either sign
constexpr unsigned kRuns = 1 << 3;    // numbers of zeros, and what is not zero
constexpr unsigned kScaled = 1 << 4;  // all differences are multiples of a number
constexpr unsigned kKnownBits = kOrderMask | kSigned | kRuns | kScaled;
constexpr unsigned kMaxWidth = 63;
constexpr std::size_t kSample = 16;  // so many numbers say how large the first ones are

using Numbers = std::vector<std::uint64_t>;  // modulo 2^64: a difference of two extremes wraps

// A way to write a column: out of `base` and `step` come the values.
struct Plan {
  unsigned order = 0;
  bool has_sign = false;
  std::uint64_t divisor = 1;
  std::uint64_t base = 0;  // order 0: taken from each value. 1 and 2: the first value
  std::uint64_t step = 0;  // order 1: taken from each difference. 2: the difference before the first
};

unsigned WidthOf(std::span<const std::uint64_t> sample) {
  if (sample.empty()) return 0;
  const auto count = static_cast<unsigned>(sample.size());
  unsigned sum = 0;
  for (const std::uint64_t value : sample) sum += static_cast<unsigned>(std::bit_width(value));
  return std::min((sum + count / 2) / count, kMaxWidth);
}

template <class Sink>
void PutDense(Sink& sink, const Numbers& numbers) {
  const unsigned width = WidthOf(std::span(numbers).first(std::min(numbers.size(), kSample)));
  sink.Put(width, kNumberWidthBits);
  NumberCode code(width);
  for (const std::uint64_t number : numbers) code.Put(sink, number);
}

struct RunWidths {
  unsigned run = 0, number = 0;
};

RunWidths WidthsOfRuns(const Numbers& numbers) {
  Numbers runs;
  Numbers others;
  std::uint64_t run = 0;
  for (const std::uint64_t number : numbers) {
    if (number == 0) {
      ++run;
      continue;
    }
    runs.push_back(run);
    others.push_back(number - 1);
    run = 0;
    if (runs.size() == kSample) break;
  }
  if (runs.size() < kSample && run > 0) runs.push_back(run);
  return {WidthOf(runs), WidthOf(others)};
}

template <class Sink>
void PutRuns(Sink& sink, const Numbers& numbers) {
  const RunWidths widths = WidthsOfRuns(numbers);
  sink.Put(widths.run, kNumberWidthBits);
  sink.Put(widths.number, kNumberWidthBits);
  NumberCode run_code(widths.run);
  NumberCode number_code(widths.number);
  std::uint64_t run = 0;
  for (const std::uint64_t number : numbers) {
    if (number == 0) {
      ++run;
      continue;
    }
    run_code.Put(sink, run);
    number_code.Put(sink, number - 1);
    run = 0;
  }
  if (run > 0) run_code.Put(sink, run);
}

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

std::uint64_t Bits(std::int64_t value) {
  return static_cast<std::uint64_t>(value);
}

Numbers Differences(std::span<const std::int64_t> values) {
  Numbers out(values.size() - 1);
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = Bits(values[i + 1]) - Bits(values[i]);
  return out;
}

std::uint64_t Magnitude(std::uint64_t value) {
  return value >> 63U != 0 ? 0 - value : value;
}

// The largest number of which all differences are multiples; 1 where all are zero, and where one may have wrapped.
std::uint64_t CommonDivisor(std::span<const std::int64_t> values, const Numbers& differences) {
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  if (Bits(*high) - Bits(*low) > Bits(std::numeric_limits<std::int64_t>::max())) return 1;
  std::uint64_t divisor = 0;
  for (const std::uint64_t difference : differences) {
    divisor = std::gcd(divisor, Magnitude(difference));
    if (divisor == 1) break;
  }
  return divisor == 0 ? 1 : divisor;
}

void Divide(Numbers& numbers, std::uint64_t divisor) {
  if (divisor == 1) return;
  for (std::uint64_t& number : numbers) {
    number = Bits(static_cast<std::int64_t>(number) / static_cast<std::int64_t>(divisor));
  }
}

std::int64_t Median(const Numbers& numbers) {
  std::vector<std::int64_t> sorted(numbers.begin(), numbers.end());
  const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2);
  std::nth_element(sorted.begin(), middle, sorted.end());
  return *middle;
}

// Subtracts and gives signs their place.
Numbers Finish(Numbers numbers, std::uint64_t subtract, bool has_sign) {
  for (std::uint64_t& number : numbers) {
    number -= subtract;
    if (has_sign) number = ZigZag(number);
  }
  return numbers;
}

// Collects the shortest of the encodings it is shown.
class Best {
 public:
  void Try(const Plan& plan, const Numbers& numbers) {
    const auto zeros = static_cast<std::size_t>(std::count(numbers.begin(), numbers.end(), 0));
    if (zeros * 8 < numbers.size()) {
      Keep<false>(plan, numbers);
    } else if (zeros * 2 > numbers.size()) {
      Keep<true>(plan, numbers);
    } else {
      Keep<false>(plan, numbers);
      Keep<true>(plan, numbers);
    }
  }
  [[nodiscard]] std::size_t bits() const { return bits_; }
  [[nodiscard]] std::string Bytes() const {
    std::string out;
    const unsigned flags =
        plan_.order | (plan_.has_sign ? kSigned : 0U) | (runs_ ? kRuns : 0U) | (plan_.divisor != 1 ? kScaled : 0U);
    out += static_cast<char>(flags);
    AppendHead(out, plan_);
    BitWriter writer(out);
    runs_ ? PutRuns(writer, numbers_) : PutDense(writer, numbers_);
    writer.Flush();
    return out;
  }

 private:
  template <bool runs>
  void Keep(const Plan& plan, const Numbers& numbers) {
    std::string head;
    AppendHead(head, plan);
    BitCounter counter;
    runs ? PutRuns(counter, numbers) : PutDense(counter, numbers);
    const std::size_t bits = counter.bits() + 8 * head.size();
    if (bits >= bits_) return;
    bits_ = bits;
    plan_ = plan;
    numbers_ = numbers;
    runs_ = runs;
  }
  static void AppendHead(std::string& out, const Plan& plan) {
    AppendVarint(out, ZigZag(plan.base));
    if (plan.order > 0) AppendVarint(out, ZigZag(plan.step));
    if (plan.divisor != 1) AppendVarint(out, plan.divisor);
  }

  std::size_t bits_ = std::numeric_limits<std::size_t>::max();
  Plan plan_;
  Numbers numbers_;
  bool runs_ = false;
};

void TryDifferences(Best& best, std::span<const std::int64_t> values, const Numbers& differences,
                    std::uint64_t divisor) {
  Plan plan{.order = 1, .divisor = divisor, .base = Bits(values.front())};
  best.Try(plan, differences);
  plan.has_sign = true;
  plan.step = Bits(Median(differences));
  best.Try(plan, Finish(differences, plan.step, true));
  plan.order = 2;
  plan.step = differences.front();
  Numbers second(differences.size());
  for (std::size_t i = 1; i < second.size(); ++i) second[i] = differences[i] - differences[i - 1];
  best.Try(plan, Finish(std::move(second), 0, true));
}

void TryValues(Best& best, std::span<const std::int64_t> values, std::uint64_t divisor) {
  const auto from = [&](std::int64_t base, bool has_sign) {
    Numbers numbers(values.size());
    for (std::size_t i = 0; i < values.size(); ++i) numbers[i] = Bits(values[i]) - Bits(base);
    Divide(numbers, divisor);
    best.Try({.has_sign = has_sign, .divisor = divisor, .base = Bits(base)}, Finish(std::move(numbers), 0, has_sign));
  };
  from(Median(Numbers(values.begin(), values.end())), true);
  from(*std::min_element(values.begin(), values.end()), false);
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
  plan.order = head.flags & kOrderMask;
  plan.has_sign = (head.flags & kSigned) != 0;
  if (plan.order == 3 || (head.flags & ~kKnownBits) != 0) return false;
  if (!TakeVarint(bytes, plan.base) || (plan.order > 0 && !TakeVarint(bytes, plan.step))) return false;
  plan.base = UnZigZag(plan.base);
  plan.step = UnZigZag(plan.step);
  return (head.flags & kScaled) == 0 || TakeVarint(bytes, plan.divisor);
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

std::string EncodeColumn(std::span<const std::int64_t> values) {
  Best best;
  if (values.size() == 1) {
    best.Try({.base = Bits(values.front())}, Numbers(1));
    return best.Bytes();
  }
  Numbers differences = Differences(values);
  const std::uint64_t divisor = CommonDivisor(values, differences);
  Divide(differences, divisor);
  TryValues(best, values, divisor);
  TryDifferences(best, values, differences, divisor);
  return best.Bytes();
}

bool DecodeColumn(std::string_view bytes, std::size_t count, std::span<std::int64_t> out) {
  Head head;
  if (!TakeHead(bytes, head)) return false;
  if (out.empty()) return true;
  BitReader reader(bytes);
  Numbers numbers(std::min(out.size(), head.plan.order == 0 ? count : count - 1));
  (head.flags & kRuns) != 0 ? TakeRuns(reader, numbers) : TakeDense(reader, numbers);
  if (reader.Overrun()) return false;
  Restore(head.plan, numbers, out);
  return true;
}

}  // namespace cloudmon::store
