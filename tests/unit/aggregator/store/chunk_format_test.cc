// SPDX-License-Identifier: Apache-2.0
// The blob's bytes as docs/store_format.md has them: golden blobs, and bodies that are wrong behind a right checksum.
#include <doctest/doctest.h>
#include <zlib.h>

#include "tests/support/files.h"
#include "tests/unit/aggregator/store/chunks.h"

using namespace cloudmon;
using namespace cloudmon::store;
using namespace cloudmon::store::test;
using cloudmon::test::CheckGolden;
using cloudmon::test::ReadText;

namespace {

std::string Hex(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const auto byte = static_cast<std::uint8_t>(bytes[i]);
    out += kDigits[byte >> 4U];
    out += kDigits[byte & 15U];
    if (i % 32 == 31 || i + 1 == bytes.size()) out += '\n';
  }
  return out;
}

std::string Bytes(std::string_view hex) {
  std::string out;
  std::string digits;
  for (const char digit : hex) {
    if (digit != '\n') digits += digit;
    if (digits.size() < 2) continue;
    out += static_cast<char>(std::stoi(digits, nullptr, 16));
    digits.clear();
  }
  return out;
}

std::string Seal(std::string_view body) {
  std::string blob(1, '\1');
  blob += body;
  const auto checksum = ::crc32_z(0, reinterpret_cast<const Bytef*>(blob.data()), blob.size());
  for (unsigned byte = 0; byte < 4; ++byte) blob += static_cast<char>(checksum >> (8 * byte) & 0xffU);
  return blob;
}

std::string BodyOf(std::string_view blob) {
  return std::string(blob.substr(1, blob.size() - 5));
}

// What comes back may be wrong, as the checksum was made to fit, but must be a chunk.
void CheckChunkOrError(const std::string& body) {
  const auto chunk = DecodeChunk(Seal(body));
  if (!chunk.ok()) {
    REQUIRE(chunk.error().code == ErrorCode::kParse);
    return;
  }
  const auto again = EncodeChunk(chunk.value());
  REQUIRE(again.ok());
  const auto same = DecodeChunk(again.value());
  REQUIRE(same.ok());
  REQUIRE((same.value() == chunk.value()));
}

}  // namespace

// Other bytes may stand for the same chunk, so a better writer may change them; the old ones must stay readable.
TEST_CASE("Golden blobs are what is written, and can be read") {
  Random random(5);
  const std::vector<SeriesChunk> chunks{MakePod(60), MakeChunk(20, random), MakeChunk(120, random)};
  std::string text;
  for (const SeriesChunk& chunk : chunks) text += Hex(EncodeChunk(chunk).value()) + "\n";
  CheckGolden("store/chunks.txt", text);
  const std::string golden = ReadText("tests/golden/store/chunks.txt");
  std::size_t begin = 0;
  for (const SeriesChunk& chunk : chunks) {
    const std::size_t end = golden.find("\n\n", begin);
    CHECK((DecodeChunk(Bytes(golden.substr(begin, end - begin))).value() == chunk));
    begin = end + 2;
  }
}

TEST_CASE("The example of docs/store_format.md") {
  const SeriesChunk chunk{.positions = 4,
                          .at = {0, 1, 3},
                          .columns = {{.field = series::Field::kMemoryBytes, .values = {8192, 8192, 12288}},
                                      {.field = series::Field::kPods, .values = {0, 2, 2}, .present = {0, 1, 1}}}};
  const std::string hex = "0104020b0102028420000000080102188080018020024040049c34732e\n";
  CHECK(Hex(EncodeChunk(chunk).value()) == hex);
  CHECK((DecodeChunk(Bytes(hex)).value() == chunk));
}

TEST_CASE("What is wrong in a body is named") {
  const auto message = [](std::string_view hex) {
    const auto chunk = DecodeChunk(Seal(Bytes(hex)));
    return chunk.ok() ? "" : chunk.error().message;
  };
  // One position, all rows, no further presence; then fields, expected, gaps and the columns.
  CHECK(message("010000000000") == "");
  CHECK(message("000000000000") == "chunk: its rows cannot be read");
  CHECK(message("814000000000") == "chunk: its rows cannot be read");
  CHECK(message("010200000000") == "chunk: its rows cannot be read");
  CHECK(message("01001200000000") == "chunk: its rows cannot be read");
  CHECK(message("0100008080080000") == "chunk: it has fields that are not known here");
  CHECK(message("010000000100") == "chunk: it has fields that are not known here");
  CHECK(message("01000000000000") == "chunk: its columns cannot be found");
  CHECK(message("0100010001000002020000") == "chunk: its columns cannot be found");
  CHECK(message("01000001000004000000") == "chunk: its columns cannot be found");
  CHECK(message("0100000100000400000000") == "");
  CHECK(message("01000001000000") == "");
  CHECK(message("0100000100000480000000") == "chunk: cpu_millicores: its numbers cannot be read");
  CHECK(message("0100000101000400000000") == "chunk: cpu_millicores: the column it comes from is missing");
  CHECK(message("0100000202000400000000") == "chunk: cpu_usage_usec: it cannot come from another column");
  CHECK(message("01000003010004040000000000000000") == "chunk: cpu_millicores: the gaps cannot be read");
}

TEST_CASE("Changed bodies behind a right checksum give an error or a chunk") {
  Random random(6);
  for (const SeriesChunk& chunk : {MakePod(60), MakeChunk(60, random), MakeChunk(17, random)}) {
    const std::string body = BodyOf(EncodeChunk(chunk).value());
    CHECK((DecodeChunk(Seal(body)).value() == chunk));
    for (std::size_t length = 0; length < body.size(); ++length) CheckChunkOrError(body.substr(0, length));
    for (std::size_t i = 0; i < 3'000; ++i) {
      std::string changed = body;
      for (std::uint64_t times = 1 + random() % 3; times > 0; --times) {
        changed[random() % std::min<std::size_t>(changed.size(), 1 + random() % 400)] = static_cast<char>(random());
      }
      CheckChunkOrError(changed);
    }
  }
}

TEST_CASE("Garbage gives an error or a chunk") {
  Random random(7);
  for (int i = 0; i < 20'000; ++i) {
    std::string garbage(random() % 80, '\0');
    for (char& byte : garbage) byte = static_cast<char>(random() >> (random() % 2 == 0 ? 0 : 61));
    CHECK(!DecodeChunk(garbage).ok());
    CheckChunkOrError(garbage);
  }
}
