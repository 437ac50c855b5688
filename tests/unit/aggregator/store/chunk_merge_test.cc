// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <map>

#include "tests/unit/aggregator/store/chunks.h"

using namespace cloudmon;
using namespace cloudmon::store;
using namespace cloudmon::store::test;
using series::Field;
using series::Point;

namespace {

using Rows = std::map<std::uint32_t, Point>;

void PutRows(const SeriesChunk& chunk, std::uint32_t offset, std::uint32_t positions, Rows& rows) {
  for (std::size_t row = 0; row < chunk.at.size(); ++row) {
    if (offset + chunk.at[row] < positions) rows[offset + chunk.at[row]] = RowOf(chunk, row);
  }
}

SeriesChunk ChunkOf(const Rows& rows, std::uint32_t positions) {
  std::vector<std::uint16_t> at;
  std::vector<Point> points;
  for (const auto& [position, point] : rows) {
    at.push_back(static_cast<std::uint16_t>(position));
    points.push_back(point);
  }
  return BuildChunk(positions, at, points);
}

SeriesChunk Memory(std::vector<std::uint16_t> at, std::vector<std::int64_t> values) {
  return {.positions = 60, .at = std::move(at), .columns = {{.field = Field::kMemoryBytes, .values = values}}};
}

}  // namespace

TEST_CASE("Six parts make a chunk") {
  const SeriesChunk whole = MakePod(360);
  SeriesChunk merged;
  for (std::uint32_t part = 0; part < 6; ++part) {
    const auto of_part = DecodeChunk(EncodeChunk(whole).value(), {.first = part * 60, .end = part * 60 + 60}).value();
    SeriesChunk alone = MergeChunks(of_part, 0, {}, 0, 360);
    for (std::uint16_t& position : alone.at) position = static_cast<std::uint16_t>(position - part * 60);
    alone.positions = 60;
    merged = MergeChunks(merged, 0, alone, part * 60, 360);
  }
  CHECK((merged == whole));
}

TEST_CASE("Rows are replaced whole, put between others, put before them") {
  const SeriesChunk old = Memory({1, 4}, {10, 40});
  CHECK((MergeChunks(old, 0, Memory({4}, {41}), 0, 60) == Memory({1, 4}, {10, 41})));
  CHECK((MergeChunks(old, 0, Memory({1}, {20}), 1, 60) == Memory({1, 2, 4}, {10, 20, 40})));
  CHECK((MergeChunks(old, 3, Memory({0}, {5}), 0, 60) == Memory({0, 4, 7}, {5, 10, 40})));
  CHECK((MergeChunks(old, 0, Memory({1, 4}, {11, 42}), 0, 60) == Memory({1, 4}, {11, 42})));
}

TEST_CASE("A field that the newer row does not have goes, and the column with its last value") {
  SeriesChunk old = Memory({1}, {10});
  const SeriesChunk pods{.positions = 60, .at = {1}, .columns = {{.field = Field::kPods, .values = {3}}}};
  CHECK((MergeChunks(old, 0, pods, 0, 60) == pods));
  CHECK((MergeChunks(old, 0, {.positions = 60, .at = {1}}, 0, 60) == SeriesChunk{.positions = 60, .at = {1}}));
  const SeriesChunk both{.positions = 60,
                         .at = {1, 2},
                         .columns = {{.field = Field::kMemoryBytes, .values = {10, 0}, .present = {1, 0}},
                                     {.field = Field::kPods, .values = {0, 3}, .present = {0, 1}}}};
  CHECK((MergeChunks(old, 0, pods, 1, 60) == both));
}

TEST_CASE("Rows behind the last position are left out, however far") {
  const SeriesChunk old = Memory({1, 4}, {10, 40});
  CHECK((MergeChunks(old, 56, {}, 0, 60) == Memory({57}, {10})));
  CHECK((MergeChunks(old, 0, old, UINT32_MAX, 60) == old));
}

TEST_CASE("Merged chunks have the rows of both, the newer's where both have one") {
  Random random(8);
  for (int round = 0; round < 300; ++round) {
    CAPTURE(round);
    const SeriesChunk older = MakeChunk(static_cast<std::uint32_t>(1 + random() % 80), random);
    const SeriesChunk newer = MakeChunk(static_cast<std::uint32_t>(1 + random() % 80), random);
    const auto older_offset = static_cast<std::uint32_t>(random() % 60);
    const auto newer_offset = static_cast<std::uint32_t>(random() % 60);
    Rows rows;
    PutRows(older, older_offset, 120, rows);
    PutRows(newer, newer_offset, 120, rows);
    REQUIRE((MergeChunks(older, older_offset, newer, newer_offset, 120) == ChunkOf(rows, 120)));
  }
}
