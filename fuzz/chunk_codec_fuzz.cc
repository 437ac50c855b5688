// SPDX-License-Identifier: Apache-2.0
// Any bytes as a blob, as a body behind a right checksum, and as values of columns: never a crash, and what can be
// decoded can be encoded and comes back the same.
#include <zlib.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "aggregator/store/chunk_codec.h"

namespace {

using namespace cloudmon;
using namespace cloudmon::store;

void Require(bool held, const char* what) {
  if (held) return;
  std::fprintf(stderr, "does not hold: %s\n", what);
  std::abort();
}

std::string Seal(std::string_view body) {
  std::string blob(1, '\1');
  blob += body;
  const auto checksum = ::crc32_z(0, reinterpret_cast<const Bytef*>(blob.data()), blob.size());
  for (unsigned byte = 0; byte < 4; ++byte) blob += static_cast<char>(checksum >> (8 * byte) & 0xffU);
  return blob;
}

void RoundTrip(const SeriesChunk& chunk) {
  const auto blob = EncodeChunk(chunk);
  Require(blob.ok(), "a chunk can be encoded");
  const auto again = DecodeChunk(blob.value());
  Require(again.ok() && again.value() == chunk, "it comes back the same");
}

void TryBody(std::string_view body) {
  const std::string blob = Seal(body);
  const auto whole = DecodeChunk(blob);
  const auto part = DecodeChunk(blob, {.fields = 0x1'5555, .first = 3, .end = 40});
  if (!whole.ok()) return;
  Require(part.ok(), "what can be read whole can be read in part");
  RoundTrip(whole.value());
}

// Two related columns side by side; the first byte says which.
void TryValues(std::string_view bytes) {
  constexpr std::size_t kRowBytes = 2 * sizeof(std::int64_t);
  if (bytes.size() < 1 + kRowBytes) return;
  const bool rates = (bytes.front() & 1) != 0;
  bytes.remove_prefix(1);
  SeriesChunk chunk{.positions = kMaxChunkPositions};
  ChunkColumn a{.field = rates ? series::Field::kDiskReadBytes : series::Field::kMemoryBytes};
  ChunkColumn b{.field = rates ? series::Field::kDiskReadRate : series::Field::kMemoryWorkingSetBytes};
  for (std::uint16_t row = 0; bytes.size() >= kRowBytes && row < kMaxChunkPositions; ++row) {
    chunk.at.push_back(row);
    std::memcpy(&a.values.emplace_back(), bytes.data(), sizeof(std::int64_t));
    std::memcpy(&b.values.emplace_back(), bytes.data() + sizeof(std::int64_t), sizeof(std::int64_t));
    bytes.remove_prefix(kRowBytes);
  }
  chunk.columns = {std::move(a), std::move(b)};
  RoundTrip(chunk);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto chunk = DecodeChunk(bytes); chunk.ok()) RoundTrip(chunk.value());
  TryBody(bytes);
  TryValues(bytes);
  return 0;
}
