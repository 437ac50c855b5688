// SPDX-License-Identifier: Apache-2.0
#include "aggregator/api/json_writer.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <limits>
#include <unordered_map>
#include <utility>

#include "aggregator/api/time_text.h"

namespace cloudmon::api {
namespace {

using series::FieldClass;
using series::FieldInfo;
using store::SeriesSlice;
using Members = std::vector<const SeriesSlice*>;

// The longest number: a sign, 19 digits, a point.
constexpr std::size_t kMaxNumberBytes = 24;
// Of an entry beside its identity and fields: the times and the punctuation.
constexpr std::size_t kMaxHeadBytes = 128;
constexpr std::size_t kFirstBytes = 16U << 10U;
constexpr std::size_t kSampleEntries = 16;

// Text that grows by whole entries: Reserve() once for each, then plain copies without further checks.
class Buffer {
 public:
  explicit Buffer(std::size_t first_bytes) { text_.resize(first_bytes); }

  void Reserve(std::size_t bytes) {
    if (text_.size() - used_ < bytes) text_.resize(std::max(text_.size() * 2, used_ + bytes));
  }
  void Put(std::string_view piece) {
    std::memcpy(text_.data() + used_, piece.data(), piece.size());
    used_ += piece.size();
  }
  void Put(std::int64_t value) {
    char* at = text_.data() + used_;
    used_ = static_cast<std::size_t>(std::to_chars(at, at + kMaxNumberBytes, value).ptr - text_.data());
  }
  void PutTenths(std::int64_t tenths) {
    if (tenths < 0) Put("-");
    Put(tenths < 0 ? -(tenths / series::kRateScale) : tenths / series::kRateScale);
    const char decimal = static_cast<char>('0' + std::abs(tenths % series::kRateScale));
    Put(std::string_view(".")), Put(std::string_view(&decimal, 1));
  }
  void PutValue(const FieldInfo& info, std::int64_t value) {
    info.field_class == FieldClass::kRate ? PutTenths(value) : Put(value);
  }
  void DropLast() { --used_; }
  [[nodiscard]] std::size_t size() const { return used_; }
  // Reserves and puts.
  void Append(std::string_view piece) {
    Reserve(piece.size());
    Put(piece);
  }
  std::string Take() {
    text_.resize(used_);
    return std::move(text_);
  }

 private:
  std::string text_;
  std::size_t used_ = 0;
};
static_assert(series::kRateScale == 10, "rates are written with one decimal");

bool NeedsEscape(char c) {
  return c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

void AppendEscape(std::string& out, char c) {
  constexpr std::string_view kHex = "0123456789abcdef";
  const auto byte = static_cast<unsigned char>(c);
  out += '\\';
  if (c == '"' || c == '\\') {
    out += c;
  } else if (c == '\n') {
    out += 'n';
  } else if (c == '\t') {
    out += 't';
  } else {
    out += "u00";
    out += kHex[byte >> 4U];
    out += kHex[byte & 15U];
  }
}

// Appends `,"node":"a","namespace":"b"`: the parts of the identity that are not empty.
void AppendIdentity(std::string& out, const series::Member& member) {
  const std::array<std::pair<std::string_view, const std::string*>, 4> parts{{{",\"node\":", &member.node},
                                                                              {",\"namespace\":", &member.ns},
                                                                              {",\"deployment\":", &member.deployment},
                                                                              {",\"pod\":", &member.pod}}};
  for (const auto& [key, value] : parts) {
    if (value->empty()) continue;
    out += key;
    AppendJsonString(out, *value);
  }
}

// The identities of all members, rendered once, one after the other in one text.
class Identities {
 public:
  explicit Identities(const Members& members) {
    ends_.reserve(members.size() + 1);
    ends_.push_back(0);
    for (const SeriesSlice* slice : members) {
      AppendIdentity(text_, *slice->member);
      longest_ = std::max(longest_, text_.size() - ends_.back());
      ends_.push_back(text_.size());
    }
  }
  [[nodiscard]] std::string_view Of(std::size_t member) const {
    return std::string_view(text_).substr(ends_[member], ends_[member + 1] - ends_[member]);
  }
  [[nodiscard]] std::size_t longest() const { return longest_; }

 private:
  std::string text_;
  std::vector<std::size_t> ends_;
  std::size_t longest_ = 0;
};

// `{"timestamp":"2026-11-22 17:40:10","time":1795369210`, made once for each bucket time.
class TimeHeads {
 public:
  const std::string& Of(std::int64_t seconds) {
    if (last_ != nullptr && last_seconds_ == seconds) return *last_;
    auto [place, is_new] = heads_.try_emplace(seconds);
    if (is_new) {
      place->second = "{\"timestamp\":\"" + LocalTimestamp(seconds) + "\",\"time\":" + std::to_string(seconds);
    }
    last_seconds_ = seconds;
    return *(last_ = &place->second);
  }

 private:
  std::unordered_map<std::int64_t, std::string> heads_;  // references stay valid while it grows
  const std::string* last_ = nullptr;
  std::int64_t last_seconds_ = 0;
};

// Writes entries; what does not change between them is rendered once.
class EntryWriter {
 public:
  EntryWriter(const Members& members, const std::vector<FieldInfo>& fields, std::size_t entries)
      : members_(members), fields_(fields), entries_(entries), identities_(members), buffer_(kFirstBytes) {
    max_entry_bytes_ = kMaxHeadBytes + identities_.longest();
    for (const FieldInfo& info : fields) {
      keys_.push_back(",\"" + std::string(info.name) + "\":");
      max_entry_bytes_ += keys_.back().size() + kMaxNumberBytes;
    }
    buffer_.Put(std::string_view("["));
  }

  void Write(std::size_t member, std::size_t index) {
    const SeriesSlice& slice = *members_[member];
    const series::Point& point = slice.points[index];
    buffer_.Reserve(max_entry_bytes_);
    buffer_.Put(written_ == 0 ? std::string_view("\n") : std::string_view(",\n"));
    buffer_.Put(heads_.Of(slice.times_seconds[index]));
    buffer_.Put(identities_.Of(member));
    for (std::size_t i = 0; i < fields_.size(); ++i) {
      if (!point.Has(fields_[i].field)) continue;
      buffer_.Put(keys_[i]);
      buffer_.PutValue(fields_[i], point.Get(fields_[i].field));
    }
    buffer_.Put(std::string_view("}"));
    // Entries are much alike: one growth to about the whole size instead of many.
    if (++written_ == kSampleEntries) buffer_.Reserve(buffer_.size() / kSampleEntries * entries_ * 9 / 8);
  }

  std::string Finish() {
    buffer_.Append(written_ == 0 ? std::string_view("]\n") : std::string_view("\n]\n"));
    return buffer_.Take();
  }

 private:
  const Members& members_;
  const std::vector<FieldInfo>& fields_;
  const std::size_t entries_;  // that will be written
  Identities identities_;
  std::vector<std::string> keys_;  // `,"memory_bytes":` by field
  std::size_t max_entry_bytes_ = 0;
  TimeHeads heads_;
  Buffer buffer_;
  std::size_t written_ = 0;
};

struct EntryRef {
  std::int64_t time_seconds;
  std::size_t member, index;
};

std::size_t CountEntries(const Members& members) {
  std::size_t count = 0;
  for (const SeriesSlice* slice : members) count += slice->points.size();
  return count;
}

std::vector<EntryRef> EntriesByTime(const Members& members, std::size_t count, bool descending) {
  std::vector<EntryRef> entries;
  entries.reserve(count);
  for (std::size_t m = 0; m < members.size(); ++m) {
    for (std::size_t i = 0; i < members[m]->points.size(); ++i) {
      entries.push_back({members[m]->times_seconds[i], m, i});
    }
  }
  std::stable_sort(entries.begin(), entries.end(), [descending](const EntryRef& a, const EntryRef& b) {
    return descending ? a.time_seconds > b.time_seconds : a.time_seconds < b.time_seconds;
  });
  return entries;
}

struct Grid {
  std::int64_t start_seconds = 0;
  std::size_t steps = 0;
};

Grid GridOf(const Members& members, std::int64_t step_seconds) {
  std::int64_t first = std::numeric_limits<std::int64_t>::max();
  std::int64_t last = std::numeric_limits<std::int64_t>::min();
  for (const SeriesSlice* slice : members) {
    if (slice->times_seconds.empty()) continue;
    first = std::min(first, slice->times_seconds.front());
    last = std::max(last, slice->times_seconds.back());
  }
  if (first > last) return {};
  return {first, static_cast<std::size_t>((last - first) / step_seconds) + 1};
}

// `[1,null,3]`: the field's values at each step of the grid.
void WriteColumn(Buffer& buffer, const SeriesSlice& slice, const FieldInfo& info, const Grid& grid,
                 std::int64_t step_seconds) {
  buffer.Reserve(grid.steps * (kMaxNumberBytes + 1) + 2);
  buffer.Put(std::string_view("["));
  std::size_t next = 0;
  for (std::size_t step = 0; step < grid.steps; ++step) {
    const std::int64_t time = grid.start_seconds + static_cast<std::int64_t>(step) * step_seconds;
    const bool here = next < slice.points.size() && slice.times_seconds[next] == time;
    if (here && slice.points[next].Has(info.field)) {
      buffer.PutValue(info, slice.points[next].Get(info.field));
    } else {
      buffer.Put(std::string_view("null"));
    }
    buffer.Put(std::string_view(","));
    if (here) ++next;
  }
  buffer.DropLast();
  buffer.Put(std::string_view("]"));
}

void WriteMember(Buffer& buffer, const SeriesSlice& slice, const std::vector<FieldInfo>& fields, const Grid& grid,
                 std::int64_t step_seconds) {
  std::string identity;
  AppendIdentity(identity, *slice.member);
  buffer.Append("{\"labels\":{" + identity.substr(identity.empty() ? 0 : 1) + "}");
  for (const FieldInfo& info : fields) {
    const bool known = std::any_of(slice.points.begin(), slice.points.end(),
                                   [&](const series::Point& point) { return point.Has(info.field); });
    if (!known) continue;
    buffer.Append(",\"" + std::string(info.name) + "\":");
    WriteColumn(buffer, slice, info, grid, step_seconds);
  }
  buffer.Append("}");
}

}  // namespace

void AppendJsonString(std::string& out, std::string_view text) {
  out += '"';
  // Names have nothing to escape, nearly always: copied in one piece.
  while (true) {
    const auto special = std::find_if(text.begin(), text.end(), NeedsEscape);
    const auto plain = static_cast<std::size_t>(special - text.begin());
    out += text.substr(0, plain);
    if (plain == text.size()) break;
    AppendEscape(out, text[plain]);
    text.remove_prefix(plain + 1);
  }
  out += '"';
}

std::string WriteEntries(const Members& members, const std::vector<FieldInfo>& fields, const SortOrder& sort) {
  const std::size_t count = CountEntries(members);
  EntryWriter writer(members, fields, count);
  if (sort.by == SortBy::kTime) {
    for (const EntryRef& entry : EntriesByTime(members, count, sort.descending))
      writer.Write(entry.member, entry.index);
    return writer.Finish();
  }
  for (std::size_t m = 0; m < members.size(); ++m) {
    for (std::size_t i = 0; i < members[m]->points.size(); ++i) writer.Write(m, i);
  }
  return writer.Finish();
}

std::size_t ColumnCells(const Members& members, std::int64_t step_seconds) {
  return members.size() * GridOf(members, step_seconds).steps;
}

std::string WriteColumns(const Members& members, const std::vector<FieldInfo>& fields, std::int64_t step_seconds) {
  const Grid grid = GridOf(members, step_seconds);
  Buffer buffer(kFirstBytes);
  buffer.Append("{\"time\":[");
  buffer.Reserve(grid.steps * (kMaxNumberBytes + 1));
  for (std::size_t step = 0; step < grid.steps; ++step) {
    if (step > 0) buffer.Put(std::string_view(","));
    buffer.Put(grid.start_seconds + static_cast<std::int64_t>(step) * step_seconds);
  }
  buffer.Append("],\"series\":[");
  for (std::size_t m = 0; m < members.size(); ++m) {
    buffer.Append(m == 0 ? "\n" : ",\n");
    WriteMember(buffer, *members[m], fields, grid, step_seconds);
  }
  buffer.Append(members.empty() ? "]}\n" : "\n]}\n");
  return buffer.Take();
}

}  // namespace cloudmon::api
