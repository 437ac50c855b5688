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

std::vector<std::int64_t> Dense(const RowColumn& column) {
  std::vector<std::int64_t> out;
  out.reserve(column.values.size());
  for (std::size_t row = 0; row < column.values.size(); ++row) {
    if (column.Has(row)) out.push_back(column.values[row]);
  }
  return out;
}

class Encoder {
 public:
  explicit Encoder(const SeriesChunk& chunk) : chunk_(chunk) {
    for (const ChunkColumn& column : chunk.columns) by_field_[Index(column.field)] = &column;
  }

  std::string Body() {
    EncodeColumns();
    std::string out;
    AppendVarint(out, chunk_.positions);
    AppendPresence(out, RowsOf(chunk_));
    AppendPresences(out);
    AppendVarint(out, fields_);
    AppendVarint(out, expected_);
    AppendVarint(out, gaps_.size());
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      AppendVarint(out, presence_of_[i]);
      AppendVarint(out, columns_[i].size());
    }
    out += gaps_;
    for (const std::string& column : columns_) out += column;
    return out;
  }

 private:
  static std::size_t Index(series::Field field) { return static_cast<std::size_t>(field); }
  static RowColumn View(const ChunkColumn& column) { return {column.values, column.present}; }

  void EncodeColumns() {
    const std::vector<std::int64_t> gaps = FindGaps();
    for (const ChunkColumn& column : chunk_.columns) {
      fields_ |= MaskOf(column.field);
      std::string bytes = EncodeColumn(Dense(View(column)));
      if (const Relation* relation = UsableRelation(column.field)) {
        std::string shorter = EncodeColumn(Unexpected(column, *relation, gaps));
        if (shorter.size() < bytes.size()) {
          bytes = std::move(shorter);
          expected_ |= MaskOf(column.field);
          if (relation->rate_scale != 0 && gaps_.empty()) gaps_ = EncodeColumn(gaps);
        }
      }
      columns_.push_back(std::move(bytes));
      presence_of_.push_back(PresenceNumber(column.present));
    }
  }

  // Null: the field is not related to another that the chunk has.
  const Relation* UsableRelation(series::Field field) const {
    const Relation* relation = RelationOf(field);
    return relation != nullptr && by_field_[Index(relation->source)] != nullptr ? relation : nullptr;
  }

  std::vector<std::int64_t> FindGaps() {
    GapFinder finder(chunk_.at.size());
    for (const ChunkColumn& column : chunk_.columns) {
      const Relation* relation = UsableRelation(column.field);
      if (relation == nullptr || relation->rate_scale == 0) continue;
      auto& increases = increases_[Index(relation->source)];
      increases = Increases(View(*by_field_[Index(relation->source)]));
      finder.Add(increases, View(column), relation->rate_scale);
    }
    return finder.GapsMs();
  }

  // What differs from what the related column says.
  std::vector<std::int64_t> Unexpected(const ChunkColumn& column, const Relation& relation,
                                       const std::vector<std::int64_t>& gaps) const {
    std::vector<std::int64_t> out;
    const auto add = [&](std::size_t row, std::uint64_t expected) {
      out.push_back(static_cast<std::int64_t>(static_cast<std::uint64_t>(column.values[row]) - expected));
    };
    const std::vector<std::int64_t>& source = by_field_[Index(relation.source)]->values;
    const std::vector<std::uint64_t>& increases = increases_[Index(relation.source)];
    for (std::size_t row = 0; row < column.values.size(); ++row) {
      if (!column.Has(row)) continue;
      add(row, relation.rate_scale == 0
                   ? static_cast<std::uint64_t>(source[row])
                   : ExpectedRate(increases[row], relation.rate_scale, static_cast<std::uint64_t>(gaps[row])));
    }
    return out;
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

  const SeriesChunk& chunk_;
  std::array<const ChunkColumn*, series::kFieldCount> by_field_{};
  std::array<std::vector<std::uint64_t>, series::kFieldCount> increases_;
  FieldMask fields_ = 0;
  FieldMask expected_ = 0;
  std::string gaps_;
  std::vector<std::string> columns_;
  std::vector<std::size_t> presence_of_;
  std::vector<Presence> presences_;
};

}  // namespace

Result<std::string> EncodeChunk(const SeriesChunk& chunk) {
  if (Status status = Check(chunk); !status.ok()) return status.error();
  const std::string body = Encoder(chunk).Body();
  std::string blob(1, kChunkVersion);
  AppendVarint(blob, body.size());
  blob += body;
  const std::uint32_t checksum = ChunkChecksum(blob);
  blob.append(reinterpret_cast<const char*>(&checksum), kChecksumBytes);
  return blob;
}

}  // namespace cloudmon::store
