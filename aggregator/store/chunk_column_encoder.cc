// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>

#include "aggregator/store/chunk_column.h"
#include "aggregator/store/chunk_column_plan.h"
#include "aggregator/store/chunk_numbers.h"

namespace cloudmon::store {
namespace {

constexpr unsigned kMaxWidth = 63;
constexpr std::size_t kSample = 16;  // so many numbers say how large the first ones are

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

Numbers WithSign(Numbers numbers, std::uint64_t subtract) {
  for (std::uint64_t& number : numbers) number = ZigZag(number - subtract);
  return numbers;
}

void AppendHead(std::string& out, const Plan& plan) {
  AppendVarint(out, ZigZag(plan.base));
  if (plan.order > 0) AppendVarint(out, ZigZag(plan.step));
  if (plan.divisor != 1) AppendVarint(out, plan.divisor);
}

// Keeps the shortest of the encodings it is shown.
class Best {
 public:
  void Try(const Plan& plan, Numbers numbers) {
    // Few zeros are no runs, and many always are: then only one of the two is counted.
    const auto zeros = static_cast<std::size_t>(std::count(numbers.begin(), numbers.end(), 0));
    const std::size_t dense =
        zeros * 2 > numbers.size() ? kTooMany : Count([&](auto& sink) { PutDense(sink, numbers); });
    const std::size_t runs = zeros * 8 < numbers.size() ? kTooMany : Count([&](auto& sink) { PutRuns(sink, numbers); });
    std::string head;
    AppendHead(head, plan);
    const std::size_t bits = std::min(dense, runs) + 8 * head.size();
    if (bits >= bits_) return;
    bits_ = bits;
    plan_ = plan;
    runs_ = runs < dense;
    numbers_ = std::move(numbers);
  }

  [[nodiscard]] std::string Bytes() const {
    const unsigned flags = plan_.order | (plan_.has_sign ? kColumnSigned : 0U) | (runs_ ? kColumnRuns : 0U) |
                           (plan_.divisor != 1 ? kColumnScaled : 0U);
    std::string out(1, static_cast<char>(flags));
    AppendHead(out, plan_);
    BitWriter writer(out);
    runs_ ? PutRuns(writer, numbers_) : PutDense(writer, numbers_);
    writer.Flush();
    return out;
  }

 private:
  static constexpr std::size_t kTooMany = std::numeric_limits<std::size_t>::max() / 2;

  template <class Put>
  static std::size_t Count(Put put) {
    BitCounter counter;
    put(counter);
    return counter.bits();
  }

  std::size_t bits_ = kTooMany;
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
  best.Try(plan, WithSign(differences, plan.step));
  plan.order = 2;
  plan.step = differences.front();
  Numbers second(differences.size());
  for (std::size_t i = 1; i < second.size(); ++i) second[i] = differences[i] - differences[i - 1];
  best.Try(plan, WithSign(std::move(second), 0));
}

void TryValues(Best& best, std::span<const std::int64_t> values, std::uint64_t divisor) {
  const auto from = [&](std::int64_t base) {
    Numbers numbers(values.size());
    for (std::size_t i = 0; i < values.size(); ++i) numbers[i] = Bits(values[i]) - Bits(base);
    Divide(numbers, divisor);
    return numbers;
  };
  Plan plan{.divisor = divisor};
  const std::int64_t low = *std::min_element(values.begin(), values.end());
  plan.base = Bits(low);
  best.Try(plan, from(low));
  const std::int64_t middle = Median(Numbers(values.begin(), values.end()));
  plan.base = Bits(middle);
  plan.has_sign = true;
  best.Try(plan, WithSign(from(middle), 0));
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

}  // namespace cloudmon::store
