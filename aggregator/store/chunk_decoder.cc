// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cstring>

#include "aggregator/store/chunk_codec.h"
#include "aggregator/store/chunk_column.h"
#include "aggregator/store/chunk_layout.h"
#include "aggregator/store/chunk_numbers.h"
#include "aggregator/store/chunk_rates.h"

namespace cloudmon::store {
namespace {

Error Bad(std::string_view what) {
  return {ErrorCode::kParse, "chunk: " + std::string(what)};
}

// The blob without version and checksum.
Result<std::string_view> BodyOf(std::string_view blob) {
  std::string_view rest = blob;
  if (rest.empty()) return Bad("empty");
  if (rest.front() != kChunkVersion) {
    return Bad("version " + std::to_string(static_cast<std::uint8_t>(rest.front())) + " is not known here");
  }
  rest.remove_prefix(1);
  if (rest.size() < kChecksumBytes) return Bad("cut off");
  rest.remove_suffix(kChecksumBytes);
  std::uint32_t checksum = 0;
  std::memcpy(&checksum, rest.data() + rest.size(), kChecksumBytes);
  if (checksum != ChunkChecksum(blob.substr(0, blob.size() - kChecksumBytes))) return Bad("checksum differs");
  return rest;
}

// False where it is not a presence of `count` things, or none of them is there.
bool TakePresence(std::string_view& bytes, std::size_t count, Presence& out) {
  std::uint64_t runs = 0;
  if (!TakeVarint(bytes, runs) || runs > count) return false;
  if (runs == 0) return true;
  out.reserve(count);
  BitReader reader(bytes);
  NumberCode code(0);
  for (std::uint64_t run = 0; run < runs; ++run) {
    const std::uint64_t length = code.Take(reader);
    if (length > count - out.size()) return false;
    out.insert(out.end(), length, run % 2 == 0 ? 1 : 0);
  }
  out.resize(count, runs % 2 == 0 ? 1 : 0);
  if (reader.Overrun()) return false;
  bytes.remove_prefix(reader.BytesTaken());
  return std::find(out.begin(), out.end(), 1) != out.end();
}

// Of the first `end` things.
std::size_t CountPresent(const Presence& presence, std::size_t end) {
  if (presence.empty()) return end;
  return static_cast<std::size_t>(std::count(presence.begin(), presence.begin() + static_cast<std::ptrdiff_t>(end), 1));
}

class Decoder {
 public:
  Decoder(std::string_view body, const ChunkPart& part) : rest_(body), part_(part) {}

  Result<SeriesChunk> Decode() {
    if (!TakeRows() || !TakePresences()) return Bad("its rows cannot be read");
    if (!TakeFields()) return Bad("it has fields that are not known here");
    if (!TakeDirectory()) return Bad("its columns cannot be found");
    SeriesChunk out{.positions = positions_};
    out.at.assign(at_.begin() + first_row_, at_.begin() + end_row_);
    const FieldMask wanted = fields_ & part_.fields;
    for (std::size_t i = 0; i < series::kFieldCount; ++i) {
      if ((wanted >> i & 1U) == 0) continue;
      if (const Status status = Load(i); !status.ok()) return status.error();
    }
    // Not before all are loaded, as this takes the values away.
    for (std::size_t i = 0; i < series::kFieldCount; ++i) {
      if ((wanted >> i & 1U) != 0) MovePart(columns_[i], static_cast<series::Field>(i), out);
    }
    return out;
  }

 private:
  struct Column {
    std::string_view bytes;
    const Presence* presence = nullptr;  // by row
    bool loaded = false;
    std::vector<std::int64_t> values;  // by row, up to end_row_
    [[nodiscard]] RowColumn View() const { return {values, *presence}; }
  };

  bool TakeRows() {
    std::uint64_t positions = 0;
    if (!TakeVarint(rest_, positions) || positions == 0 || positions > kMaxChunkPositions) return false;
    positions_ = static_cast<std::uint32_t>(positions);
    Presence rows;
    if (!TakePresence(rest_, positions_, rows)) return false;
    for (std::uint32_t position = 0; position < positions_; ++position) {
      if (rows.empty() || rows[position] != 0) at_.push_back(static_cast<std::uint16_t>(position));
    }
    end_row_ = std::lower_bound(at_.begin(), at_.end(), part_.end) - at_.begin();
    first_row_ = std::min(std::lower_bound(at_.begin(), at_.end(), part_.first) - at_.begin(), end_row_);
    return true;
  }

  bool TakePresences() {
    std::uint64_t count = 0;
    if (!TakeVarint(rest_, count) || count > series::kFieldCount) return false;
    presences_.resize(1 + count);
    for (std::size_t i = 1; i <= count; ++i) {
      if (!TakePresence(rest_, at_.size(), presences_[i])) return false;
    }
    return true;
  }

  bool TakeFields() {
    std::uint64_t fields = 0;
    std::uint64_t expected = 0;
    if (!TakeVarint(rest_, fields) || !TakeVarint(rest_, expected)) return false;
    fields_ = static_cast<FieldMask>(fields & kAllFields);
    expected_ = static_cast<FieldMask>(expected & fields_);
    return fields == fields_ && expected == expected_;
  }

  bool TakeDirectory() {
    std::array<std::uint64_t, series::kFieldCount + 1> lengths{};  // the last: the gaps
    if (!TakeVarint(rest_, lengths.back())) return false;
    for (std::size_t i = 0; i < series::kFieldCount; ++i) {
      if ((fields_ >> i & 1U) == 0) continue;
      std::uint64_t presence = 0;
      if (presences_.size() > 1 && (!TakeVarint(rest_, presence) || presence >= presences_.size())) return false;
      if (!TakeVarint(rest_, lengths[i])) return false;
      columns_[i].presence = &presences_[presence];
    }
    if (!TakeBytes(lengths.back(), gaps_.bytes)) return false;
    for (std::size_t i = 0; i < series::kFieldCount; ++i) {
      if (!TakeBytes(lengths[i], columns_[i].bytes)) return false;
    }
    gaps_.presence = &presences_[0];
    return rest_.empty();
  }

  bool TakeBytes(std::uint64_t length, std::string_view& out) {
    if (length > rest_.size()) return false;
    out = rest_.substr(0, length);
    rest_.remove_prefix(length);
    return true;
  }

  Status Load(std::size_t index) {
    Column& column = columns_[index];
    if (column.loaded) return Status::Ok();
    const auto fail = [&](std::string_view what) {
      return Bad(std::string(series::kFields[index].name) + ": " + std::string(what));
    };
    if (!LoadNumbers(column)) return fail("its numbers cannot be read");
    if ((expected_ >> index & 1U) == 0) return Status::Ok();
    const Relation* relation = RelationOf(static_cast<series::Field>(index));
    if (relation == nullptr) return fail("it cannot come from another column");
    const auto source = static_cast<std::size_t>(relation->source);
    if (((fields_ & ~expected_) >> source & 1U) == 0) return fail("the column it comes from is missing");
    if (const Status status = Load(source); !status.ok()) return status.error();
    if (relation->rate_scale != 0 && !LoadGaps()) return fail("the gaps cannot be read");
    AddExpected(column, columns_[source], *relation);
    return Status::Ok();
  }

  bool LoadGaps() { return gaps_.loaded || (!gaps_.bytes.empty() && LoadNumbers(gaps_)); }

  bool LoadNumbers(Column& column) {
    const Presence& presence = *column.presence;
    const auto rows = static_cast<std::size_t>(end_row_);
    column.values.resize(rows);
    std::size_t next = CountPresent(presence, rows);
    if (!DecodeColumn(column.bytes, CountPresent(presence, at_.size()), std::span(column.values).first(next))) {
      return false;
    }
    column.loaded = true;
    if (presence.empty()) return true;
    // From the end, so that nothing is overwritten before it is moved.
    for (std::size_t row = rows; row-- > 0;) column.values[row] = presence[row] != 0 ? column.values[--next] : 0;
    return true;
  }

  void AddExpected(Column& column, const Column& source, const Relation& relation) {
    const RowColumn view = column.View();
    const auto add = [&](std::size_t row, std::uint64_t expected) {
      if (!view.Has(row)) return;
      column.values[row] = static_cast<std::int64_t>(static_cast<std::uint64_t>(column.values[row]) + expected);
    };
    if (relation.rate_scale == 0) {
      for (std::size_t row = 0; row < column.values.size(); ++row) {
        add(row, static_cast<std::uint64_t>(source.values[row]));
      }
      return;
    }
    const std::vector<std::uint64_t> increases = Increases(source.View());
    for (std::size_t row = 0; row < column.values.size(); ++row) {
      const auto gap_ms = static_cast<std::uint64_t>(gaps_.values[row]);
      add(row, ExpectedRate(increases[row], relation.rate_scale, gap_ms));
    }
  }

  // The rows of the part, without what the part does not have.
  void MovePart(Column& column, series::Field field, SeriesChunk& out) const {
    ChunkColumn part{.field = field};
    const Presence& presence = *column.presence;
    if (!presence.empty()) {
      part.present.assign(presence.begin() + first_row_, presence.begin() + end_row_);
      const auto present = std::count(part.present.begin(), part.present.end(), 1);
      if (present == 0) return;
      if (present == end_row_ - first_row_) part.present.clear();
    }
    if (first_row_ == end_row_) return;
    column.values.erase(column.values.begin(), column.values.begin() + first_row_);
    part.values = std::move(column.values);
    out.columns.push_back(std::move(part));
  }

  std::string_view rest_;
  const ChunkPart part_;
  std::uint32_t positions_ = 0;
  std::vector<std::uint16_t> at_;
  std::ptrdiff_t first_row_ = 0, end_row_ = 0;
  std::vector<Presence> presences_;  // the first: every row
  FieldMask fields_ = 0, expected_ = 0;
  Column gaps_;
  std::array<Column, series::kFieldCount> columns_;
};

}  // namespace

Result<SeriesChunk> DecodeChunk(std::string_view blob, const ChunkPart& part) {
  auto body = BodyOf(blob);
  if (!body.ok()) return body.error();
  return Decoder(body.value(), part).Decode();
}

}  // namespace cloudmon::store
