// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "aggregator/store/chunk_codec.h"
#include "aggregator/store/chunk_column.h"
#include "aggregator/store/chunk_layout.h"
#include "aggregator/store/chunk_numbers.h"
#include "aggregator/store/chunk_rates.h"

namespace cloudmon::store {
namespace {

Error Invalid(std::string_view what) {
  return {ErrorCode::kInvalid, "chunk to encode: " + std::string(what)};
}

bool IsColumn(const ChunkColumn& column, std::size_t rows) {
  if (column.values.size() != rows || static_cast<std::size_t>(column.field) >= series::kFieldCount) return false;
  if (column.present.empty()) return true;
  if (column.present.size() != rows) return false;
  bool any = false;
  for (std::size_t row = 0; row < rows; ++row) {
    if (column.present[row] > 1 || (column.present[row] == 0 && column.values[row] != 0)) return false;
    any = any || column.present[row] != 0;
  }
  return any;
}

Status Check(const SeriesChunk& chunk) {
  if (chunk.positions == 0 || chunk.positions > kMaxChunkPositions) return Invalid("positions: not 1 to 4096");
  if (chunk.at.empty()) return Invalid("it has no row");
  if (chunk.at.back() >= chunk.positions ||
      std::adjacent_find(chunk.at.begin(), chunk.at.end(), std::greater_equal<>()) != chunk.at.end()) {
    return Invalid("rows: not rising positions of the chunk");
  }
  for (const ChunkColumn& column : chunk.columns) {
    if (!IsColumn(column, chunk.at.size())) return Invalid("a column does not fit the rows");
  }
  const auto not_rising = [](const ChunkColumn& a, const ChunkColumn& b) { return a.field >= b.field; };
  if (std::adjacent_find(chunk.columns.begin(), chunk.columns.end(), not_rising) != chunk.columns.end()) {
    return Invalid("columns: not in the order of fields");
  }
  return Status::Ok();
}

// Lengths of runs, of what is there and what is not by turns; the last one goes to the end and is not written.
void AppendPresence(std::string& out, const Presence& presence) {
  std::vector<std::uint64_t> runs;
  std::uint8_t now = 1;
  std::uint64_t length = 0;
  for (const std::uint8_t has : presence) {
    if (has != now) {
      runs.push_back(std::exchange(length, 0));
      now = has;
    }
    ++length;
  }
  AppendVarint(out, runs.size());
  BitWriter writer(out);
  NumberCode code(0);
  for (const std::uint64_t run : runs) code.Put(writer, run);
  writer.Flush();
}

Presence RowsOf(const SeriesChunk& chunk) {
  if (chunk.at.size() == chunk.positions) return {};
  Presence rows(chunk.positions);
  for (const std::uint16_t position : chunk.at) rows[position] = 1;
  return rows;
}

void FillDense(const RowColumn& column, std::vector<std::int64_t>& out) {
  if (column.present.empty()) {
    out.assign(column.values.begin(), column.values.end());
    return;
  }
  out.clear();
  for (std::size_t row = 0; row < column.values.size(); ++row) {
    if (column.Has(row)) out.push_back(column.values[row]);
  }
}

class Encoder {
 public:
  explicit Encoder(const SeriesChunk& chunk) : chunk_(chunk) {
    for (const ChunkColumn& column : chunk.columns) by_field_[Index(column.field)] = &column;
  }

  void AppendBody(std::string& out) {
    EncodeColumns();
    AppendVarint(out, chunk_.positions);
    AppendPresence(out, RowsOf(chunk_));
    AppendPresences(out);
    AppendVarint(out, fields_);
    AppendVarint(out, expected_);
    AppendVarint(out, gaps_.size());
    for (std::size_t i = 0; i < lengths_.size(); ++i) {
      if (!presences_.empty()) AppendVarint(out, presence_of_[i]);
      AppendVarint(out, lengths_[i]);
    }
    out += gaps_;
    out += columns_;
  }

 private:
  static std::size_t Index(series::Field field) { return static_cast<std::size_t>(field); }
  static RowColumn View(const ChunkColumn& column) { return {column.values, column.present}; }

  void EncodeColumns() {
    FindGaps();
    for (const ChunkColumn& column : chunk_.columns) {
      fields_ |= MaskOf(column.field);
      const std::size_t begin = columns_.size();
      Shorter(column).AppendTo(columns_);
      lengths_.push_back(columns_.size() - begin);
      presence_of_.push_back(PresenceNumber(column.present));
    }
    if (!gaps_needed_) return;
    own_.Take(gaps_ms_);
    own_.AppendTo(gaps_);
  }

  // The column's values, or what differs from what the related column says.
  ColumnEncoder& Shorter(const ChunkColumn& column) {
    FillDense(View(column), own_values_);
    const Relation* relation = UsableRelation(column.field);
    const auto is_zero = [](std::int64_t value) { return value == 0; };
    if (relation != nullptr && !std::all_of(own_values_.begin(), own_values_.end(), is_zero)) {
      FillUnexpected(column, *relation);
      const std::size_t bits = unexpected_.Take(unexpected_values_);
      if (bits > kFewBits && own_.Take(own_values_) <= bits) return own_;
      expected_ |= MaskOf(column.field);
      gaps_needed_ = gaps_needed_ || relation->rate_scale != 0;
      return unexpected_;
    }
    own_.Take(own_values_);
    return own_;
  }

  // Null: the field is not related to another that the chunk has.
  const Relation* UsableRelation(series::Field field) const {
    const Relation* relation = RelationOf(field);
    return relation != nullptr && by_field_[Index(relation->source)] != nullptr ? relation : nullptr;
  }

  void FindGaps() {
    GapFinder finder(chunk_.at.size());
    for (const ChunkColumn& column : chunk_.columns) {
      const Relation* relation = UsableRelation(column.field);
      if (relation == nullptr || relation->rate_scale == 0) continue;
      auto& increases = increases_[Index(relation->source)];
      increases = Increases(View(*by_field_[Index(relation->source)]));
      finder.Add(increases, View(column), relation->rate_scale);
    }
    gaps_ms_ = finder.GapsMs();
  }

  void FillUnexpected(const ChunkColumn& column, const Relation& relation) {
    unexpected_values_.clear();
    const auto add = [&](std::size_t row, std::uint64_t expected) {
      unexpected_values_.push_back(
          static_cast<std::int64_t>(static_cast<std::uint64_t>(column.values[row]) - expected));
    };
    const std::vector<std::int64_t>& source = by_field_[Index(relation.source)]->values;
    const std::vector<std::uint64_t>& increases = increases_[Index(relation.source)];
    for (std::size_t row = 0; row < column.values.size(); ++row) {
      if (!column.Has(row)) continue;
      add(row, relation.rate_scale == 0
                   ? static_cast<std::uint64_t>(source[row])
                   : ExpectedRate(increases[row], relation.rate_scale, static_cast<std::uint64_t>(gaps_ms_[row])));
    }
  }

  std::size_t PresenceNumber(const Presence& presence) {
    if (std::find(presence.begin(), presence.end(), 0) == presence.end()) return 0;
    const auto found = std::find(presences_.begin(), presences_.end(), presence);
    const auto number = static_cast<std::size_t>(found - presences_.begin()) + 1;
    if (found == presences_.end()) presences_.push_back(presence);
    return number;
  }

  void AppendPresences(std::string& out) const {
    AppendVarint(out, presences_.size());
    for (const Presence& presence : presences_) AppendPresence(out, presence);
  }

  static constexpr std::size_t kFewBits = 48;  // of a column: another way to write it is not looked for

  const SeriesChunk& chunk_;
  std::array<const ChunkColumn*, series::kFieldCount> by_field_{};
  std::array<std::vector<std::uint64_t>, series::kFieldCount> increases_;
  std::vector<std::int64_t> gaps_ms_;
  std::vector<std::int64_t> own_values_, unexpected_values_;
  ColumnEncoder own_, unexpected_;
  FieldMask fields_ = 0;
  FieldMask expected_ = 0;
  bool gaps_needed_ = false;
  std::string gaps_;
  std::string columns_;
  std::vector<std::size_t> lengths_;  // in columns_
  std::vector<std::size_t> presence_of_;
  std::vector<Presence> presences_;
};

}  // namespace

Result<std::string> EncodeChunk(const SeriesChunk& chunk) {
  if (Status status = Check(chunk); !status.ok()) return status.error();
  std::string blob(1, kChunkVersion);
  Encoder(chunk).AppendBody(blob);
  const std::uint32_t checksum = ChunkChecksum(blob);
  blob.append(reinterpret_cast<const char*>(&checksum), kChecksumBytes);
  return blob;
}

}  // namespace cloudmon::store
