// SPDX-License-Identifier: Apache-2.0
#include "aggregator/store/chunk_codec.h"

#include <doctest/doctest.h>

#include "tests/unit/aggregator/store/chunks.h"

using namespace cloudmon;
using namespace cloudmon::store;
using namespace cloudmon::store::test;
using series::Field;
using series::Point;

namespace {

std::string Encoded(const SeriesChunk& chunk) {
  auto blob = EncodeChunk(chunk);
  REQUIRE(blob.ok());
  return std::move(blob).value();
}

SeriesChunk Decoded(std::string_view blob, const ChunkPart& part = {}) {
  auto chunk = DecodeChunk(blob, part);
  if (!chunk.ok()) FAIL(chunk.error().message);
  return std::move(chunk).value();
}

// What `part` leaves of a chunk, made from its rows.
SeriesChunk Cut(const SeriesChunk& chunk, const ChunkPart& part) {
  std::vector<std::uint16_t> at;
  std::vector<Point> points;
  for (std::size_t row = 0; row < chunk.at.size(); ++row) {
    if (chunk.at[row] < part.first || chunk.at[row] >= part.end) continue;
    Point point = RowOf(chunk, row);
    for (const series::FieldInfo& info : series::kFields) {
      if ((part.fields & MaskOf(info.field)) == 0) point.Clear(info.field);
    }
    at.push_back(chunk.at[row]);
    points.push_back(point);
  }
  return BuildChunk(chunk.positions, at, points);
}

SeriesChunk OneColumn(std::vector<std::int64_t> values, Field field = Field::kMemoryBytes) {
  SeriesChunk chunk{.positions = static_cast<std::uint32_t>(values.size())};
  for (std::uint16_t i = 0; i < values.size(); ++i) chunk.at.push_back(i);
  chunk.columns = {{.field = field, .values = std::move(values)}};
  return chunk;
}

}  // namespace

TEST_CASE("What is encoded comes back, whole and in parts") {
  Random random(1);
  for (int round = 0; round < 400; ++round) {
    CAPTURE(round);
    constexpr std::array<std::uint32_t, 8> kPositions{1, 2, 3, 17, 60, 359, 360, kMaxChunkPositions};
    const SeriesChunk chunk = MakeChunk(kPositions[random() % (round % 40 == 0 ? 8 : 7)], random);
    const std::string blob = Encoded(chunk);
    REQUIRE((Decoded(blob) == chunk));
    for (int i = 0; i < 4; ++i) {
      ChunkPart part{.fields = static_cast<FieldMask>(random() & random()) & kAllFields};
      part.first = static_cast<std::uint32_t>(random() % (chunk.positions + 1));
      part.end = static_cast<std::uint32_t>(random() % (chunk.positions + 2));
      REQUIRE((Decoded(blob, part) == Cut(chunk, part)));
    }
  }
}

TEST_CASE("Every shape of a column comes back, alone and beside the column it may follow from") {
  Random random(2);
  for (const Shape shape : kShapes) {
    for (const Shape beside : kShapes) {
      for (const std::size_t rows : {1U, 2U, 3U, 100U}) {
        SeriesChunk chunk = OneColumn(MakeValues(shape, rows, random), Field::kNetworkRxBytes);
        chunk.columns.push_back({.field = Field::kNetworkRxRate, .values = MakeValues(beside, rows, random)});
        CAPTURE(static_cast<int>(shape));
        CAPTURE(static_cast<int>(beside));
        CHECK((Decoded(Encoded(chunk)) == chunk));
      }
    }
  }
}

TEST_CASE("Points become columns and rows points") {
  Random random(3);
  const std::vector<Point> points = MakePoints(60, random);
  const std::vector<std::uint16_t> at = MakeRows(60, 0, random);
  const SeriesChunk chunk = BuildChunk(60, at, points);
  for (std::size_t row = 0; row < points.size(); ++row) CHECK((RowOf(chunk, row) == points[row]));
}

TEST_CASE("Rows without values and chunks without columns come back") {
  const SeriesChunk chunk{.positions = 360, .at = {3, 359}};
  CHECK((Decoded(Encoded(chunk)) == chunk));
  CHECK((Decoded(Encoded(chunk), {.first = 4, .end = 359}) == SeriesChunk{.positions = 360}));
}

TEST_CASE("What is constant, idle, in pages or known from another column takes few bytes") {
  const std::size_t none =
      Encoded(SeriesChunk{.positions = 360, .at = OneColumn(std::vector<std::int64_t>(360)).at}).size();
  CHECK(none <= 12);
  CHECK(Encoded(OneColumn(std::vector<std::int64_t>(360))).size() == none + 1);
  CHECK(Encoded(OneColumn(std::vector<std::int64_t>(360, 1'234'567))).size() <= none + 6);

  std::vector<std::int64_t> idle(360, 9'000'000);
  for (std::size_t i = 100; i < idle.size(); ++i) idle[i] += 4096;
  CHECK(Encoded(OneColumn(idle)).size() <= none + 18);

  std::vector<std::int64_t> reset(360);
  for (std::size_t i = 0; i < reset.size(); ++i) reset[i] = static_cast<std::int64_t>((i % 200) * 1000 + i * i % 7);
  CHECK(Encoded(OneColumn(reset)).size() <= 360 * 5 / 8);

  SeriesChunk pod = MakePod(360);
  const std::size_t all = Encoded(pod).size();
  std::erase_if(pod.columns, [](const ChunkColumn& column) {
    return column.field == Field::kCpuMillicores || column.field == Field::kNetworkRxRate;
  });
  // The rates cost the time between scrapes, here half a byte each, and little more.
  CHECK(all - Encoded(pod).size() <= 360 * 5 / 8);
}

TEST_CASE("A blob that is cut off, longer, or changed in one bit is refused") {
  Random random(4);
  for (const SeriesChunk& chunk :
       {MakePod(120), MakeChunk(60, random), MakeChunk(17, random), OneColumn({INT64_MAX})}) {
    const std::string blob = Encoded(chunk);
    const auto refused = [](const std::string& bytes) {
      const auto result = DecodeChunk(bytes);
      return !result.ok() && result.error().code == ErrorCode::kParse;
    };
    CHECK(refused(blob + '\0'));
    for (std::size_t length = 0; length < blob.size(); ++length) {
      CAPTURE(length);
      REQUIRE(refused(blob.substr(0, length)));
    }
    for (std::size_t bit = 0; bit < 8 * blob.size(); ++bit) {
      CAPTURE(bit);
      std::string changed = blob;
      changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << bit % 8));
      REQUIRE(refused(changed));
    }
  }
}

TEST_CASE("Errors say what is wrong") {
  std::string blob = Encoded(MakePod(60));
  const auto message = [](const std::string& bytes) { return DecodeChunk(bytes).error().message; };
  CHECK(message("") == "chunk: empty");
  CHECK(message(blob.substr(0, 4)) == "chunk: cut off");
  blob[30] = static_cast<char>(blob[30] + 1);
  CHECK(message(blob) == "chunk: checksum differs");
  blob[0] = 9;
  CHECK(message(blob) == "chunk: version 9 is not known here");
}

TEST_CASE("Chunks that are none are not encoded") {
  const SeriesChunk good = OneColumn({1, 2, 3});
  const auto refused = [&](auto change) {
    SeriesChunk chunk = good;
    change(chunk);
    const auto blob = EncodeChunk(chunk);
    return !blob.ok() && blob.error().code == ErrorCode::kInvalid;
  };
  CHECK(!refused([](SeriesChunk&) {}));
  CHECK(refused([](SeriesChunk& c) { c.positions = 2; }));
  CHECK(refused([](SeriesChunk& c) { c.positions = kMaxChunkPositions + 1; }));
  CHECK(refused([](SeriesChunk& c) { c = SeriesChunk{}; }));
  CHECK(refused([](SeriesChunk& c) { c.at.clear(); }));
  CHECK(refused([](SeriesChunk& c) { c.at = {0, 2, 2}; }));
  CHECK(refused([](SeriesChunk& c) { c.columns[0].values.pop_back(); }));
  CHECK(refused([](SeriesChunk& c) { c.columns[0].present = {1, 1}; }));
  CHECK(refused([](SeriesChunk& c) { c.columns[0].present = {1, 0, 1}; }));
  CHECK(refused([](SeriesChunk& c) { c.columns[0] = {Field::kPods, {0, 0, 0}, {0, 0, 0}}; }));
  CHECK(refused([](SeriesChunk& c) { c.columns[0].field = static_cast<Field>(series::kFieldCount); }));
  CHECK(refused([](SeriesChunk& c) { c.columns.push_back(c.columns[0]); }));
}
