// SPDX-License-Identifier: Apache-2.0
// Chunks for tests: columns of every kind that a series may have, the same on every machine.
#pragma once

#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "aggregator/store/chunk_codec.h"

namespace cloudmon::store::test {

using Random = std::mt19937_64;

inline std::int64_t Wrapped(std::uint64_t value) {
  return static_cast<std::int64_t>(value);
}

enum class Shape { kConstant, kWalk, kPages, kCounter, kIdleCounter, kBursts, kNoise, kExtremes };
inline constexpr std::array kShapes{Shape::kConstant,    Shape::kWalk,   Shape::kPages, Shape::kCounter,
                                    Shape::kIdleCounter, Shape::kBursts, Shape::kNoise, Shape::kExtremes};

inline std::vector<std::int64_t> MakeValues(Shape shape, std::size_t count, Random& random) {
  constexpr std::array<std::int64_t, 7> kExtremes{0, 1, -1, INT64_MAX, INT64_MIN, INT64_MAX - 1, std::int64_t{1} << 62};
  std::vector<std::int64_t> out(count);
  std::uint64_t value = random() >> (random() % 40 + 2);
  const unsigned low = static_cast<unsigned>(random() % 40);
  for (std::int64_t& item : out) {
    const std::uint64_t step = (random() & 0xffU) << low;
    switch (shape) {
      case Shape::kConstant:
        break;
      case Shape::kWalk:
        value += random() % 2 == 0 ? step : 0 - step;
        break;
      case Shape::kPages:
        value = (value & ~std::uint64_t{0xfff}) + 4096 * (random() % 100) - 4096 * (random() % 100);
        break;
      case Shape::kCounter:
        value = random() % 50 == 0 ? step : value + step;
        break;
      case Shape::kIdleCounter:
        value += random() % 30 == 0 ? 4096 : 0;
        break;
      case Shape::kBursts:
        value += random() % 4 == 0 ? random() >> (random() % 60 + 3) : random() % 3;
        break;
      case Shape::kNoise:
        value = random() % 1000;
        break;
      case Shape::kExtremes:
        value = static_cast<std::uint64_t>(kExtremes[random() % kExtremes.size()]);
        break;
    }
    item = Wrapped(value);
  }
  return out;
}

// Rows of `positions`, of which one in `gap_in` is missing (0: none); at least one.
inline std::vector<std::uint16_t> MakeRows(std::uint32_t positions, std::uint64_t gap_in, Random& random) {
  std::vector<std::uint16_t> at;
  for (std::uint32_t position = 0; position < positions; ++position) {
    const bool last_chance = at.empty() && position + 1 == positions;
    if (gap_in == 0 || random() % gap_in != 0 || last_chance) at.push_back(static_cast<std::uint16_t>(position));
  }
  return at;
}

// Points with any of the fields, each of any shape, here and there without a value.
inline std::vector<series::Point> MakePoints(std::size_t rows, Random& random) {
  std::vector<series::Point> points(rows);
  const std::uint64_t fields = random();
  for (const series::FieldInfo& info : series::kFields) {
    if ((fields >> static_cast<unsigned>(info.field) & 1U) == 0) continue;
    const std::vector<std::int64_t> values = MakeValues(kShapes[random() % kShapes.size()], rows, random);
    const std::uint64_t gap_in = random() % 3 == 0 ? 2 + random() % 50 : 0;
    for (std::size_t row = 0; row < rows; ++row) {
      if (gap_in == 0 || random() % gap_in != 0) points[row].Set(info.field, values[row]);
    }
  }
  return points;
}

inline SeriesChunk MakeChunk(std::uint32_t positions, Random& random) {
  const std::vector<std::uint16_t> at = MakeRows(positions, random() % 2 == 0 ? 0 : 2 + random() % 20, random);
  return BuildChunk(positions, at, MakePoints(at.size(), random));
}

// A pod as the bucketer makes it: rates from totals and the time between scrapes, working set below memory; a restart,
// a missed scrape, and no rates in the first row.
inline SeriesChunk MakePod(std::uint32_t positions) {
  using series::Field;
  Random random(7);
  std::vector<std::uint16_t> at;
  std::vector<series::Point> points;
  std::array<std::uint64_t, 2> totals{1'000'000, 77};
  std::uint64_t memory = 300 << 20U;
  for (std::uint32_t position = 0; position < positions; ++position) {
    const std::uint64_t gap_ms = 9'995 + random() % 11 + (position == 21 ? 10'000 : 0);
    const std::array<std::uint64_t, 2> increases{random() % 900'000, random() % 100 == 0 ? 0 : random() % 5'000'000};
    for (std::size_t i = 0; i < totals.size(); ++i) {
      totals[i] = position == 40 ? increases[i] : totals[i] + increases[i];
    }
    memory += 4096 * (random() % 30) - 4096 * (random() % 30);
    if (position == 20) continue;
    series::Point& point = points.emplace_back();
    at.push_back(static_cast<std::uint16_t>(position));
    point.Set(Field::kCpuUsageUsec, Wrapped(totals[0]));
    point.Set(Field::kNetworkRxBytes, Wrapped(totals[1]));
    point.Set(Field::kMemoryBytes, Wrapped(memory));
    point.Set(Field::kMemoryWorkingSetBytes, Wrapped(memory - 4096 * 500));
    if (position == 0) continue;
    const std::uint64_t twice = position == 21 ? 2 : 1;  // both steps of the missed scrape, roughly
    point.Set(Field::kCpuMillicores, Wrapped((increases[0] * twice + gap_ms / 2) / gap_ms));
    point.Set(Field::kNetworkRxRate, Wrapped((increases[1] * twice * 10'000 + gap_ms / 2) / gap_ms));
  }
  return BuildChunk(positions, at, points);
}

}  // namespace cloudmon::store::test
