// SPDX-License-Identifier: Apache-2.0
#include "aggregator/export/writer.h"

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include "aggregator/api/entry_writer.h"

namespace cloudmon::exports {
namespace {

using series::Member;
using store::SeriesSlice;

constexpr std::size_t kPieceBytes = 64U << 10U;

bool KeyLess(const Member& a, const Member& b) {
  const int order = KeyOf(a).compare(KeyOf(b));
  return order != 0 ? order < 0 : a < b;
}

// One of the members that share a key.
struct Source {
  SeriesSlice slice;
  std::string identity;
  std::size_t next = 0;  // the first point that is not written yet

  [[nodiscard]] std::int64_t NextSeconds() const {
    return next < slice.points.size() ? slice.times_seconds[next] : std::numeric_limits<std::int64_t>::max();
  }
};

// What the members of one key amount to.
struct Extent {
  std::size_t members = 0, points = 0;
  std::int64_t first_seconds = std::numeric_limits<std::int64_t>::max(), last_seconds = 0;
  std::int64_t step_seconds = std::numeric_limits<std::int64_t>::max();  // between two buckets, at least

  void Add(const SeriesSlice& slice) {
    const std::vector<std::int64_t>& times = slice.times_seconds;
    ++members;
    points += times.size();
    first_seconds = std::min(first_seconds, times.front());
    last_seconds = std::max(last_seconds, times.back());
    for (std::size_t i = 1; i < times.size(); ++i) step_seconds = std::min(step_seconds, times[i] - times[i - 1]);
  }
};

class Writer {
 public:
  Writer(const ForEach& for_each, const Sink& sink) : for_each_(for_each), sink_(sink) {}

  // Takes members in the order of their keys. False: status() says why no more is taken.
  bool Take(SeriesSlice slice);
  bool Finish();
  [[nodiscard]] const Status& status() const { return status_; }

 private:
  // Pods of one name may be many, one in each namespace: they are not all kept, but read again part by part.
  [[nodiscard]] bool InParts() const { return kind_ == series::Kind::kPod && extent_.points > kPointsInMemory; }
  void AddSource(SeriesSlice slice);
  bool WriteKey();
  bool WriteParts();
  bool WriteSources();
  bool WriteBucket(std::int64_t time_seconds);
  bool Flush();

  const ForEach& for_each_;
  const Sink& sink_;
  Status status_ = Status::Ok();
  api::EntryWriter entries_{{series::kFields.begin(), series::kFields.end()}};
  api::TextBuffer text_{kPieceBytes * 2};
  std::string key_;
  series::Kind kind_ = series::Kind::kCluster;          // of key_'s members
  Extent extent_;                                       // of them
  std::vector<Source> sources_;                         // all of them, but for InParts()
  std::size_t keys_written_ = 0, buckets_written_ = 0;  // of the file, of the key
};

bool Writer::Take(SeriesSlice slice) {
  std::string key = KeyOf(*slice.member);
  if (extent_.members > 0 && key != key_ && !WriteKey()) return false;
  key_ = std::move(key);
  kind_ = slice.member->kind;
  extent_.Add(slice);
  if (InParts()) {
    sources_.clear();
  } else {
    AddSource(std::move(slice));
  }
  return true;
}

void Writer::AddSource(SeriesSlice slice) {
  sources_.emplace_back().slice = std::move(slice);
  api::AppendIdentity(sources_.back().identity, *sources_.back().slice.member);
}

bool Writer::Finish() {
  if (key_ != kClusterKey) {  // without entries, its key is there all the same
    if (extent_.members > 0 && !WriteKey()) return false;
    key_ = kClusterKey;
  }
  if (!WriteKey()) return false;
  text_.Append("\n}\n");
  return Flush();
}

bool Writer::WriteKey() {
  std::string quoted;
  api::AppendJsonString(quoted, key_);
  text_.Append((keys_written_++ == 0 ? "{\n" : ",\n") + quoted + ":{");
  buckets_written_ = 0;
  if (InParts() ? !WriteParts() : !WriteSources()) return false;
  text_.Append("}");
  extent_ = {};
  return true;
}

bool Writer::WriteParts() {
  store::Selector selector;
  selector.kind = kind_;
  selector.pod = key_;
  const std::int64_t buckets = static_cast<std::int64_t>(std::max<std::size_t>(1, kPointsInMemory / extent_.members));
  const std::int64_t last = extent_.last_seconds;
  const std::int64_t span = last - extent_.first_seconds + 1;
  const std::int64_t width = extent_.step_seconds > span / buckets ? span : extent_.step_seconds * buckets;
  for (std::int64_t start = extent_.first_seconds; start <= last; start += width) {
    const std::int64_t end = std::min(start + width, last + 1);
    status_ = for_each_(selector, start, end, KeyLess, kPointsInMemory, [this](SeriesSlice slice) {
      AddSource(std::move(slice));
      return true;
    });
    if (!status_.ok() || !WriteSources()) return false;
  }
  return true;
}

bool Writer::WriteSources() {
  for (;;) {
    std::int64_t time_seconds = std::numeric_limits<std::int64_t>::max();
    for (const Source& source : sources_) time_seconds = std::min(time_seconds, source.NextSeconds());
    if (time_seconds == std::numeric_limits<std::int64_t>::max()) break;
    if (!WriteBucket(time_seconds)) return false;
  }
  sources_.clear();
  return true;
}

bool Writer::WriteBucket(std::int64_t time_seconds) {
  if (buckets_written_++ > 0) text_.Append(",");
  text_.Reserve(api::kMaxNumberBytes + 4);
  text_.Put("\""), text_.Put(time_seconds), text_.Put("\":[");
  for (bool first = true; Source & source : sources_) {
    if (source.NextSeconds() != time_seconds) continue;
    if (!first) text_.Append(",");
    first = false;
    entries_.Write(text_, time_seconds, source.identity, source.slice.points[source.next++]);
  }
  text_.Append("]");
  return text_.size() < kPieceBytes || Flush();
}

bool Writer::Flush() {
  if (!sink_(text_.view())) status_ = Error{ErrorCode::kGone, "the receiver took no more"};
  text_.Clear();
  return status_.ok();
}

}  // namespace

std::string KeyOf(const Member& member) {
  switch (member.kind) {
    case series::Kind::kNode:
      return member.node;
    case series::Kind::kPod:
      return member.pod;
    case series::Kind::kNamespace:
      return member.ns;
    case series::Kind::kDeployment:
      return member.ns + std::string(kKeySeparator) + member.deployment;
    case series::Kind::kCluster:
      break;
  }
  return std::string(kClusterKey);
}

Status WriteFile(const ForEach& for_each, series::Kind kind, const api::TimeRange& range, const Sink& sink) {
  Writer writer(for_each, sink);
  for (const series::Kind part : {kind, series::Kind::kCluster}) {
    const auto take = [&](SeriesSlice slice) {
      // A member of the cluster's name: the API does not show it either.
      if (part != series::Kind::kCluster && KeyOf(*slice.member) == kClusterKey) return true;
      return writer.Take(std::move(slice));
    };
    store::Selector selector;
    selector.kind = part;
    const Status status = for_each(selector, range.start_seconds, range.end_seconds, KeyLess, kPointsInMemory, take);
    if (!status.ok()) return status;
    if (!writer.status().ok()) return writer.status();
  }
  writer.Finish();
  return writer.status();
}

}  // namespace cloudmon::exports
