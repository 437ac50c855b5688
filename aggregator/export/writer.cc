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

class Writer {
 public:
  explicit Writer(const http::BodySink& sink) : sink_(sink) {}

  // Takes members in the order of their keys. False: the sink takes no more.
  bool Take(SeriesSlice slice);
  bool Finish();
  [[nodiscard]] bool failed() const { return failed_; }

 private:
  bool WriteKey();
  bool WriteBucket(std::int64_t time_seconds);
  bool Flush();

  const http::BodySink& sink_;
  bool failed_ = false;
  api::EntryWriter entries_{{series::kFields.begin(), series::kFields.end()}};
  api::TextBuffer text_{kPieceBytes * 2};
  std::string key_;
  std::vector<Source> sources_;  // all of key_
  std::size_t keys_written_ = 0;
};

bool Writer::Take(SeriesSlice slice) {
  std::string key = KeyOf(*slice.member);
  if (!sources_.empty() && key != key_ && !WriteKey()) return false;
  key_ = std::move(key);
  sources_.emplace_back().slice = std::move(slice);
  api::AppendIdentity(sources_.back().identity, *sources_.back().slice.member);
  return true;
}

bool Writer::Finish() {
  if (key_ != kClusterKey) {  // without entries, its key is there all the same
    if (!sources_.empty() && !WriteKey()) return false;
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
  for (bool first = true;; first = false) {
    std::int64_t time_seconds = std::numeric_limits<std::int64_t>::max();
    for (const Source& source : sources_) time_seconds = std::min(time_seconds, source.NextSeconds());
    if (time_seconds == std::numeric_limits<std::int64_t>::max()) break;
    if (!first) text_.Append(",");
    if (!WriteBucket(time_seconds)) return false;
  }
  text_.Append("}");
  sources_.clear();
  return true;
}

bool Writer::WriteBucket(std::int64_t time_seconds) {
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
  failed_ = !sink_(text_.view());
  text_.Clear();
  return !failed_;
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

Status WriteFile(const ForEach& for_each, series::Kind kind, const api::TimeRange& range, const http::BodySink& sink) {
  Writer writer(sink);
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
    if (writer.failed()) break;
  }
  if (writer.failed() || !writer.Finish()) return Error{ErrorCode::kGone, "the receiver took no more"};
  return Status::Ok();
}

}  // namespace cloudmon::exports
