// SPDX-License-Identifier: Apache-2.0
#include "aggregator/store/chunk_column.h"

#include <doctest/doctest.h>

#include "aggregator/store/chunk_numbers.h"
#include "aggregator/store/chunk_rates.h"
#include "tests/unit/aggregator/store/chunks.h"

using namespace cloudmon;
using namespace cloudmon::store;
using namespace cloudmon::store::test;

namespace {

std::string EncodeColumn(std::span<const std::int64_t> values) {
  ColumnEncoder encoder;
  encoder.Take(values);
  std::string out;
  encoder.AppendTo(out);
  return out;
}

}  // namespace

TEST_CASE("Bits of every width come back, and behind the end are zeros") {
  std::string bytes;
  BitWriter writer(bytes);
  for (unsigned width = 0; width <= 64; ++width) writer.Put(0x9e37'79b9'7f4a'7c15U, width);
  writer.Flush();
  CHECK(bytes.size() == (64 * 65 / 2 + 7) / 8);
  BitReader reader(bytes);
  for (unsigned width = 0; width <= 64; ++width) CHECK(reader.Take(width) == (0x9e37'79b9'7f4a'7c15U & LowBits(width)));
  CHECK(reader.BytesTaken() == bytes.size());
  CHECK(!reader.Overrun());
  CHECK(reader.Take(64) == 0);
  CHECK(reader.Overrun());
}

TEST_CASE("Varints: all lengths, cut off, too long") {
  for (unsigned width = 0; width <= 64; ++width) {
    std::string bytes;
    AppendVarint(bytes, LowBits(width));
    std::string_view rest = bytes;
    std::uint64_t value = 0;
    CHECK(TakeVarint(rest, value));
    CHECK(value == LowBits(width));
    CHECK(rest.empty());
    rest = std::string_view(bytes).substr(0, bytes.size() - 1);
    CHECK(!TakeVarint(rest, value));
  }
  for (const std::string& bad : {std::string(11, '\xff'), std::string(9, '\xff') + '\2'}) {
    std::string_view rest = bad;
    std::uint64_t value = 0;
    CHECK(!TakeVarint(rest, value));
  }
}

TEST_CASE("Numbers come back whatever was expected, and the writer's count of bits is right") {
  Random random(1);
  for (const unsigned expected : {0U, 1U, 20U, 63U}) {
    std::vector<std::uint64_t> numbers(70, ~std::uint64_t{0});
    for (int i = 0; i < 500; ++i) numbers.push_back(random() >> (random() % 64));
    numbers.insert(numbers.end(), 70, 0);
    std::string bytes;
    BitWriter writer(bytes);
    BitCounter counter;
    NumberCode code(expected);
    NumberCode counted(expected);
    for (const std::uint64_t number : numbers) {
      code.Put(writer, number);
      counted.Put(counter, number);
    }
    writer.Flush();
    CHECK(bytes.size() == (counter.bits() + 7) / 8);
    BitReader reader(bytes);
    NumberCode read(expected);
    for (const std::uint64_t number : numbers) REQUIRE(read.Take(reader) == number);
    CHECK(!reader.Overrun());
  }
}

TEST_CASE("A column's first values can be read alone") {
  Random random(2);
  for (const Shape shape : kShapes) {
    for (const std::size_t count : {1U, 2U, 5U, 300U}) {
      const std::vector<std::int64_t> values = MakeValues(shape, count, random);
      const std::string bytes = EncodeColumn(values);
      for (std::size_t wanted = 0; wanted <= count; wanted += 1 + wanted / 3) {
        std::vector<std::int64_t> out(wanted);
        REQUIRE(DecodeColumn(bytes, count, out));
        CHECK(std::equal(out.begin(), out.end(), values.begin()));
      }
    }
  }
}

TEST_CASE("One encoder takes column after column, and says about how many bits each has") {
  Random random(3);
  ColumnEncoder encoder;
  std::string bytes;
  for (int round = 0; round < 200; ++round) {
    const std::vector<std::int64_t> values = MakeValues(kShapes[random() % kShapes.size()], 1 + random() % 400, random);
    const std::size_t bits = encoder.Take(values);
    bytes.clear();
    encoder.AppendTo(bytes);
    CHECK(bytes == EncodeColumn(values));
    CHECK(bytes.size() * 8 <= bits * 3 + 64);
    CHECK(bits <= bytes.size() * 8 * 2 + 64);
  }
}

TEST_CASE("Columns of which little is to be said") {
  const auto size = [](const std::vector<std::int64_t>& values) { return EncodeColumn(values).size(); };
  std::vector<std::int64_t> values(100);
  CHECK(size(values) == 0);
  values.front() = 63;
  CHECK(size(values) == 2);
  std::fill(values.begin(), values.end(), 63);
  CHECK(size(values) == 2);
  values.front() = -64;
  CHECK(size(values) == 3);
  CHECK(size({63}) == 2);
  // The first apart: the others as they are without it.
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<std::int64_t>(i * i * i % 5);
  const std::size_t alone = size(values);
  values.front() = 1'000'000'000;
  CHECK(size(values) <= alone + 6);
}

TEST_CASE("Columns that are none are refused") {
  std::vector<std::int64_t> out(4);
  for (const std::string& bad : {std::string("\x80\0\0\0\0", 5), std::string("\x40", 1), std::string("\x61\0", 2),
                                 std::string("\x01\0", 2), std::string("\x10\0", 2), std::string("\0\0", 2)}) {
    CHECK(!DecodeColumn(bad, out.size(), out));
  }
}

TEST_CASE("Increases: the first value is not known, gaps are spanned, a drop is a restart") {
  const std::vector<std::int64_t> values{5, 9, 0, 12, 4};
  const std::vector<std::uint8_t> present{1, 1, 0, 1, 1};
  CHECK((Increases({values, present}) == std::vector<std::uint64_t>{0, 4, 0, 3, 4}));
}

TEST_CASE("The time between scrapes is found from rates, and the usual one stands where they do not say") {
  const std::vector<std::uint64_t> gaps{10'000, 10'007, 9'993, 10'000, 20'004, 10'000};
  const std::vector<std::uint64_t> cpu{80'000, 500'000, 3, 0, 70'000, 90'000};
  const std::vector<std::uint64_t> network{5'000'000, 7'000'000, 4'000'000, 0, 8'000'000, 6'000'000};
  std::vector<std::int64_t> millicores;
  std::vector<std::int64_t> rate;
  for (std::size_t i = 0; i < gaps.size(); ++i) {
    millicores.push_back(Wrapped(ExpectedRate(cpu[i], 1, gaps[i])));
    rate.push_back(Wrapped(ExpectedRate(network[i], 10'000, gaps[i])));
  }
  GapFinder finder(gaps.size());
  finder.Add(cpu, {millicores, {}}, 1);
  finder.Add(network, {rate, {}}, 10'000);
  CHECK((finder.GapsMs() == std::vector<std::int64_t>(gaps.begin(), gaps.end())));
}

TEST_CASE("Rates that no gap explains give the gap of the largest") {
  GapFinder finder(1);
  finder.Add(std::vector<std::uint64_t>{100'000}, {std::vector<std::int64_t>{10}, {}}, 1);
  finder.Add(std::vector<std::uint64_t>{9'000}, {std::vector<std::int64_t>{1'000}, {}}, 10'000);
  CHECK((finder.GapsMs() == std::vector<std::int64_t>{90'000}));
}

TEST_CASE("An expected rate is rounded, and none without a gap") {
  CHECK(ExpectedRate(5, 1, 10) == 1);
  CHECK(ExpectedRate(4, 1, 10) == 0);
  CHECK(ExpectedRate(5, 1, 0) == 0);
  Random random(9);
  for (int i = 0; i < 100'000; ++i) {
    const std::uint64_t gap = 1 + (random() >> (random() % 64));
    // Around whole numbers and halves, where rounding could go wrong.
    const std::uint64_t increase = gap * (random() >> (random() % 64)) / 2 + random() % 3 - 1;
    REQUIRE(ExpectedRate(increase, 1, gap) == (increase == 0 ? 0 : (increase + gap / 2) / gap));
  }
}
