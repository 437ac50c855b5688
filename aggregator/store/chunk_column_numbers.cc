// SPDX-License-Identifier: Apache-2.0
#include "aggregator/store/chunk_column_numbers.h"

#include <algorithm>

#include "aggregator/store/chunk_numbers.h"

namespace cloudmon::store {
namespace {

constexpr unsigned kMaxWidth = 63;
constexpr std::size_t kFirstNumbers = 16;  // so many say how large the first ones are

// The mean width of the first numbers.
class WidthMean {
 public:
  void Add(std::uint64_t number) {
    if (count_ == kFirstNumbers) return;
    ++count_;
    sum_ += static_cast<unsigned>(std::bit_width(number));
  }
  [[nodiscard]] bool full() const { return count_ == kFirstNumbers; }
  [[nodiscard]] unsigned Width() const { return count_ == 0 ? 0 : std::min((sum_ + count_ / 2) / count_, kMaxWidth); }

 private:
  unsigned count_ = 0, sum_ = 0;
};

template <class Sink>
void PutDense(Sink& sink, Numbers numbers) {
  WidthMean mean;
  for (const std::uint64_t number : numbers.first(std::min(numbers.size(), kFirstNumbers))) mean.Add(number);
  sink.Put(mean.Width(), kNumberWidthBits);
  NumberCode code(mean.Width());
  for (const std::uint64_t number : numbers) code.Put(sink, number);
}

// Calls on_pair(run, number - 1) for each number that is not 0, until it returns false, and returns the zeros that are
// left.
template <class OnPair>
std::uint64_t ForEachRun(Numbers numbers, OnPair on_pair) {
  std::uint64_t run = 0;
  for (const std::uint64_t number : numbers) {
    if (number == 0) {
      ++run;
      continue;
    }
    if (!on_pair(run, number - 1)) return 0;
    run = 0;
  }
  return run;
}

template <class Sink>
void PutRuns(Sink& sink, Numbers numbers) {
  WidthMean runs;
  WidthMean others;
  const std::uint64_t left = ForEachRun(numbers, [&](std::uint64_t run, std::uint64_t number) {
    runs.Add(run);
    others.Add(number);
    return !runs.full();
  });
  if (left > 0) runs.Add(left);
  sink.Put(runs.Width(), kNumberWidthBits);
  sink.Put(others.Width(), kNumberWidthBits);
  NumberCode run_code(runs.Width());
  NumberCode number_code(others.Width());
  const std::uint64_t last_run = ForEachRun(numbers, [&](std::uint64_t run, std::uint64_t number) {
    run_code.Put(sink, run);
    number_code.Put(sink, number);
    return true;
  });
  if (last_run > 0) run_code.Put(sink, last_run);
}

}  // namespace

bool RunsAreShorter(Numbers numbers) {
  // Few zeros are no runs, and many always are.
  const auto zeros = static_cast<std::size_t>(std::count(numbers.begin(), numbers.end(), 0));
  if (zeros * 8 < numbers.size() || zeros * 2 > numbers.size()) return zeros * 2 > numbers.size();
  BitCounter dense;
  PutDense(dense, numbers);
  BitCounter runs;
  PutRuns(runs, numbers);
  return runs.bits() < dense.bits();
}

void AppendNumbers(std::string& out, Numbers numbers, bool as_runs) {
  BitWriter writer(out);
  as_runs ? PutRuns(writer, numbers) : PutDense(writer, numbers);
  writer.Flush();
}

}  // namespace cloudmon::store
