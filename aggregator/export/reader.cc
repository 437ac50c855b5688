// SPDX-License-Identifier: Apache-2.0
#include "aggregator/export/reader.h"

#include <array>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "aggregator/api/time_text.h"
#include "aggregator/export/identity.h"
#include "aggregator/export/place.h"
#include "aggregator/export/writer.h"
#include "aggregator/series/counter.h"
#include "common/text.h"
#include "common/utf8.h"

namespace cloudmon::exports {
namespace {

using series::Kind;
using Json = nlohmann::json;

constexpr std::size_t kMaxSkippedDepth = 64;
constexpr std::size_t kMaxSkippedNames = 100;
constexpr std::size_t kMaxMessageBytes = 300;
constexpr std::int64_t kMaxSeconds = 253'402'300'799;  // 9999-12-31 23:59:59

// The container that the next token is in.
enum class Level : std::uint8_t { kFile, kKeys, kBuckets, kEntries, kFields };
// What is due there, by Level; the fields say it themselves.
constexpr std::array<std::string_view, 4> kExpected = {"an object of keys", "an object of buckets",
                                                       "an array of entries", "an object"};
enum class FieldKind : std::uint8_t { kValue, kIdentity, kTime, kSkipped };

// Rounded; nullopt where it is not a value: negative or too large.
std::optional<std::int64_t> ToValue(const series::FieldInfo& info, double number) {
  const double scaled = info.field_class == series::FieldClass::kRate ? number * series::kRateScale : number;
  if (!(scaled >= 0) || scaled >= static_cast<double>(std::numeric_limits<std::int64_t>::max())) return std::nullopt;
  return std::llround(scaled);
}

std::optional<std::int64_t> ToValue(const series::FieldInfo& info, std::uint64_t number) {
  constexpr std::uint64_t kMax = std::numeric_limits<std::int64_t>::max();
  const std::uint64_t scale = info.field_class == series::FieldClass::kRate ? series::kRateScale : 1;
  if (number > kMax / scale) return std::nullopt;
  return static_cast<std::int64_t>(number * scale);
}

void AppendPointer(std::string& out, std::string_view part) {
  out += '/';
  for (const char c : part) out += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
}

// nlohmann's event interface: each event returns whether to go on; where not, error() says why.
class Handler {
 public:
  Handler(std::istream& in, Kind kind, std::int64_t interval_seconds, const TakeEntry& take)
      : in_(in), kind_(kind), interval_seconds_(interval_seconds), take_(take) {}

  bool null() { return Skip() || level_ == Level::kFields || Unexpected("null"); }
  bool boolean(bool value) { return Skip() || Unexpected(value ? "true" : "false"); }
  bool number_integer(std::int64_t value) { return Number(static_cast<double>(value), std::to_string(value)); }
  bool number_unsigned(std::uint64_t value) { return Number(value, {}); }
  bool number_float(double value, const std::string& text) { return Number(value, text); }
  bool string(const std::string& value);
  static bool binary(const Json::binary_t& /*value*/) { return false; }  // JSON text has none
  bool start_object(std::size_t /*elements*/) { return Start(true); }
  bool start_array(std::size_t /*elements*/) { return Start(false); }
  bool end_object() { return End(); }
  bool end_array() { return End(); }
  bool key(const std::string& name);
  bool parse_error(std::size_t /*byte*/, const std::string& /*last*/, const Json::exception& e);

  [[nodiscard]] const std::optional<Error>& error() const { return error_; }
  ReadSummary TakeSummary() { return std::move(summary_); }

 private:
  // Whether the value that begins here belongs to a field that is skipped.
  bool Skip();
  bool Start(bool is_object);
  bool End();
  bool BeginKey(const std::string& name);
  bool BeginBucket(const std::string& name);
  bool BeginField(const std::string& name);
  bool FinishEntry();
  bool FinishBucket();
  template <class Value>
  bool Number(Value number, std::string_view text);

  // These set the error and return false. `past`: how much of the text is read beyond the token that it is about.
  bool Refuse(std::string_view message, std::int64_t past = 0);
  bool Unexpected(std::string_view got, std::int64_t past = 0);
  [[nodiscard]] std::string Path() const;

  std::istream& in_;
  const Kind kind_;
  const std::int64_t interval_seconds_;
  const TakeEntry& take_;
  std::optional<Error> error_;
  ReadSummary summary_;

  Level level_ = Level::kFile;
  std::string key_, bucket_, field_;                               // where level_ has them; empty before the first
  std::size_t index_ = 0;                                          // of the entry
  std::int64_t time_seconds_ = 0;                                  // of the bucket
  std::vector<std::pair<series::Member, series::Point>> entries_;  // that the bucket has under this key
  std::map<series::Member, std::size_t> entry_of_;
  std::optional<EntryIdentity> identity_;
  series::Point point_;
  FieldKind field_kind_ = FieldKind::kValue;
  series::FieldInfo info_{};       // of a value
  std::size_t skipped_depth_ = 0;  // in a skipped value that is itself an object or array
};

bool Handler::Skip() {
  return skipped_depth_ > 0 || (level_ == Level::kFields && field_kind_ == FieldKind::kSkipped);
}

bool Handler::Start(bool is_object) {
  if (Skip()) {
    if (++skipped_depth_ <= kMaxSkippedDepth) return true;
    return Refuse("nested more than " + std::to_string(kMaxSkippedDepth) + " deep");
  }
  if (level_ == Level::kFields || is_object == (level_ == Level::kBuckets)) {
    return Unexpected(is_object ? "an object" : "an array");
  }
  if (level_ == Level::kBuckets) {
    index_ = 0;
  }
  if (level_ == Level::kEntries) {
    identity_.emplace(key_ == kClusterKey ? Kind::kCluster : kind_, key_);
    point_ = {};
  }
  level_ = static_cast<Level>(static_cast<int>(level_) + 1);
  return true;
}

bool Handler::End() {
  if (skipped_depth_ > 0) {
    --skipped_depth_;
    return true;
  }
  level_ = static_cast<Level>(static_cast<int>(level_) - 1);
  if (level_ == Level::kKeys) key_.clear();
  if (level_ == Level::kBuckets) return FinishBucket();
  if (level_ != Level::kEntries) return true;
  field_.clear();
  return FinishEntry();
}

bool Handler::key(const std::string& name) {
  if (skipped_depth_ > 0) return true;
  if (level_ == Level::kKeys) return BeginKey(name);
  if (level_ == Level::kBuckets) return BeginBucket(name);
  return BeginField(name);
}

bool Handler::BeginKey(const std::string& name) {
  key_ = name;
  if (key_ == kClusterKey) return true;
  const Status status = EntryIdentity::CheckKey(kind_, key_);
  return status.ok() || Refuse(status.error().message);
}

bool Handler::BeginBucket(const std::string& name) {
  bucket_ = name;
  const auto unix_seconds = text::ParseU64(name);
  const auto time =
      unix_seconds.ok() ? std::optional(series::ToValue(unix_seconds.value())) : api::ParseLocalTimestamp(name);
  if (!time || *time <= 0 || *time > kMaxSeconds) {
    return Refuse("expected Unix seconds or a local time such as 2026-11-22 17:40:10, got " + api::Quoted(name));
  }
  time_seconds_ = *time;
  if (time_seconds_ % interval_seconds_ == 0) return true;
  return Refuse("expected a multiple of the interval, " + std::to_string(interval_seconds_) + " s, got " +
                api::Quoted(name));
}

bool Handler::BeginField(const std::string& name) {
  field_ = name;
  field_kind_ = FieldKind::kSkipped;
  if (const auto field = series::FieldByName(name)) {
    field_kind_ = FieldKind::kValue;
    info_ = series::InfoOf(*field);
  } else if (identity_->Has(name)) {
    field_kind_ = FieldKind::kIdentity;
  } else if (name == "time") {
    field_kind_ = FieldKind::kTime;
  } else if (name != "timestamp") {  // which the bucket says already
    auto& skipped = summary_.skipped_fields;
    const auto found = skipped.find(name);
    if (found != skipped.end()) ++found->second;
    if (found == skipped.end() && skipped.size() < kMaxSkippedNames) skipped.emplace(name, 1);
  }
  return true;
}

bool Handler::string(const std::string& value) {
  if (Skip()) return true;
  if (level_ != Level::kFields || field_kind_ != FieldKind::kIdentity) return Unexpected("a string");
  const Status status = identity_->Set(field_, value);
  return status.ok() || Refuse(status.error().message);
}

template <class Value>
bool Handler::Number(Value number, std::string_view text) {
  // The end of a number is known by the character after it.
  constexpr std::int64_t kPast = 1;
  if (Skip()) return true;
  if (level_ != Level::kFields || field_kind_ == FieldKind::kIdentity) return Unexpected("a number", kPast);
  const auto got = [&] { return text.empty() ? std::to_string(number) : std::string(text); };
  if (field_kind_ == FieldKind::kTime) {
    const double since = static_cast<double>(number) - static_cast<double>(time_seconds_);
    if (since >= 0 && since < static_cast<double>(interval_seconds_)) return true;
    return Refuse("does not agree with its bucket " + std::to_string(time_seconds_) + ": " + got(), kPast);
  }
  const auto value = ToValue(info_, number);
  if (!value) return Refuse("expected a number from 0 to 9223372036854775807, got " + got(), kPast);
  point_.Set(info_.field, *value);
  return true;
}

bool Handler::FinishEntry() {
  const auto member = identity_->Finish();
  if (!member.ok()) return Refuse(member.error().message);
  const auto [known, is_new] = entry_of_.try_emplace(member.value(), entries_.size());
  if (is_new) {
    entries_.emplace_back(member.value(), point_);
  } else {
    entries_[known->second].second = point_;
    ++summary_.replaced;
  }
  ++index_;
  return true;
}

bool Handler::FinishBucket() {
  for (const auto& [member, point] : entries_) {
    const Status taken = take_(time_seconds_, member, point);
    if (!taken.ok() && taken.error().code == ErrorCode::kInvalid) return Refuse(taken.error().message);
    if (!taken.ok()) {
      error_ = taken.error();
      return false;
    }
    ++summary_.entries;
  }
  entries_.clear();
  entry_of_.clear();
  bucket_.clear();
  return true;
}

bool Handler::parse_error(std::size_t /*byte*/, const std::string& /*last*/, const Json::exception& e) {
  // "[json.exception.parse_error.101] parse error at line 1, column 5: syntax error while parsing value - ..."
  std::string_view text = e.what();
  constexpr std::string_view kAt = "parse error at ";
  const std::size_t at = text.find(kAt);
  if (at == std::string_view::npos) return Refuse(text.substr(text.find(']') + 2), 1);  // a number that overflows
  text.remove_prefix(at + kAt.size());
  const std::size_t end = text.find(": ");
  const std::string what = SanitizeUtf8(text.substr(end + 2, kMaxMessageBytes));
  error_ = Error{ErrorCode::kParse, std::string(text.substr(0, end)) + ": " + Path() + what};
  return false;
}

bool Handler::Refuse(std::string_view message, std::int64_t past) {
  const std::int64_t read = in_.rdbuf()->pubseekoff(0, std::ios::cur, std::ios::in);
  const std::string path = Path();
  error_ = Error{ErrorCode::kParse, PlaceOfLastToken(in_, read - past) + ": " + path + std::string(message)};
  return false;
}

bool Handler::Unexpected(std::string_view got, std::int64_t past) {
  std::string_view expected = field_kind_ == FieldKind::kIdentity ? "a string" : "a number";
  if (level_ != Level::kFields) expected = kExpected[static_cast<std::size_t>(level_)];
  return Refuse("expected " + std::string(expected) + ", got " + std::string(got), past);
}

// "/web-1/1795369210/0/memory_bytes: "; empty at the top.
std::string Handler::Path() const {
  std::string path;
  if (!key_.empty()) AppendPointer(path, key_);
  if (!bucket_.empty()) AppendPointer(path, bucket_);
  if (level_ >= Level::kEntries) AppendPointer(path, std::to_string(index_));
  if (!field_.empty()) AppendPointer(path, field_);
  return path.empty() ? path : path + ": ";
}

}  // namespace

Result<ReadSummary> ReadFile(std::istream& in, Kind kind, std::int64_t interval_seconds, const TakeEntry& take) {
  Handler handler(in, kind, interval_seconds, take);
  try {
    if (Json::sax_parse(in, &handler)) return handler.TakeSummary();
  } catch (const std::exception& e) {  // what a stream buffer throws where the file cannot be read
    return Error{ErrorCode::kIo, e.what()};
  }
  return *handler.error();
}

}  // namespace cloudmon::exports
