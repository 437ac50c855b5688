// SPDX-License-Identifier: Apache-2.0
#include "aggregator/api/json_writer.h"

#include <algorithm>
#include <limits>

#include "aggregator/api/entry_writer.h"

namespace cloudmon::api {
namespace {

using series::FieldInfo;
using store::SeriesSlice;
using Members = std::vector<const SeriesSlice*>;

constexpr std::size_t kFirstBytes = 16U << 10U;
constexpr std::size_t kSampleEntries = 16;

// The identities of all members, rendered once, one after the other in one text.
class Identities {
 public:
  explicit Identities(const Members& members) {
    ends_.reserve(members.size() + 1);
    ends_.push_back(0);
    for (const SeriesSlice* slice : members) {
      AppendIdentity(text_, *slice->member);
      ends_.push_back(text_.size());
    }
  }
  [[nodiscard]] std::string_view Of(std::size_t member) const {
    return std::string_view(text_).substr(ends_[member], ends_[member + 1] - ends_[member]);
  }

 private:
  std::string text_;
  std::vector<std::size_t> ends_;
};

// The text of an array of entries.
class EntryArray {
 public:
  EntryArray(const Members& members, const std::vector<FieldInfo>& fields, std::size_t entries)
      : members_(members), entries_(entries), identities_(members), writer_(fields), buffer_(kFirstBytes) {
    buffer_.Put(std::string_view("["));
  }

  void Write(std::size_t member, std::size_t index) {
    const SeriesSlice& slice = *members_[member];
    buffer_.Append(written_ == 0 ? "\n" : ",\n");
    writer_.Write(buffer_, slice.times_seconds[index], identities_.Of(member), slice.points[index]);
    // Entries are much alike: one growth to about the whole size instead of many.
    if (++written_ == kSampleEntries) buffer_.Reserve(buffer_.size() / kSampleEntries * entries_ * 9 / 8);
  }

  std::string Finish() {
    buffer_.Append(written_ == 0 ? "]\n" : "\n]\n");
    return buffer_.Take();
  }

 private:
  const Members& members_;
  const std::size_t entries_;  // that will be written
  Identities identities_;
  EntryWriter writer_;
  TextBuffer buffer_;
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
void WriteColumn(TextBuffer& buffer, const SeriesSlice& slice, const FieldInfo& info, const Grid& grid,
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

void WriteMember(TextBuffer& buffer, const SeriesSlice& slice, const std::vector<FieldInfo>& fields, const Grid& grid,
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

std::string WriteEntries(const Members& members, const std::vector<FieldInfo>& fields, const SortOrder& sort) {
  const std::size_t count = CountEntries(members);
  EntryArray entries(members, fields, count);
  if (sort.by == SortBy::kTime) {
    for (const EntryRef& entry : EntriesByTime(members, count, sort.descending))
      entries.Write(entry.member, entry.index);
    return entries.Finish();
  }
  for (std::size_t m = 0; m < members.size(); ++m) {
    for (std::size_t i = 0; i < members[m]->points.size(); ++i) entries.Write(m, i);
  }
  return entries.Finish();
}

std::size_t ColumnCells(const Members& members, std::int64_t step_seconds) {
  return members.size() * GridOf(members, step_seconds).steps;
}

std::string WriteColumns(const Members& members, const std::vector<FieldInfo>& fields, std::int64_t step_seconds) {
  const Grid grid = GridOf(members, step_seconds);
  TextBuffer buffer(kFirstBytes);
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
