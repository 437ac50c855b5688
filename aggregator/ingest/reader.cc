// SPDX-License-Identifier: Apache-2.0
#include "aggregator/ingest/reader.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <variant>

#include "common/text.h"

namespace cloudmon::ingest {
namespace {

constexpr double kTwoTo63 = 9223372036854775808.0;
constexpr std::uint64_t kMaxValue = std::numeric_limits<std::int64_t>::max();
constexpr double kMaxTimestampSeconds = 9e15;  // so that milliseconds fit
constexpr std::string_view kReservedName = "__all__";
constexpr std::size_t kMaxTokenBytes = 200;  // of a pointer in a message

bool IsArray(Place place) {
  return place == Place::kPods || place == Place::kNamespaces || place == Place::kDeployments;
}

Place EntryOf(Place array) {
  if (array == Place::kPods) return Place::kPod;
  return array == Place::kNamespaces ? Place::kNamespace : Place::kDeployment;
}

// RFC 6901: '~' and '/' are written ~0 and ~1.
std::string EscapeToken(std::string_view token) {
  std::string out;
  for (const char c : token.substr(0, kMaxTokenBytes)) {
    if (c == '~') {
      out += "~0";
    } else if (c == '/') {
      out += "~1";
    } else {
      out += c;
    }
  }
  return token.size() > kMaxTokenBytes ? out + "..." : out;
}

// Those of ASCII, and U+0080 to U+009F. `text` is UTF-8.
bool HasControlCharacter(std::string_view text) {
  unsigned char before = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7F || (before == 0xC2 && byte < 0xA0)) return true;
    before = byte;
  }
  return false;
}

// What the parser says, without its own place and the text it had read, which may be long.
std::string ParserText(std::string_view what) {
  const std::size_t colon = what.find(": ");
  if (colon != std::string_view::npos) what.remove_prefix(colon + 2);
  what = what.substr(0, what.find("; last read: '"));
  if (what.find("ill-formed UTF-8") != std::string_view::npos) return "not UTF-8, which JSON has to be";
  return "not JSON: " + std::string(what);
}

std::string TextOf(double number) {
  std::string text;
  text::AppendNumber(text, number);
  return text;
}

}  // namespace

std::string TextPlace(std::string_view body, std::size_t position) {
  const std::string_view before = body.substr(0, std::max<std::size_t>(position, 1) - 1);
  const auto lines = std::count(before.begin(), before.end(), '\n');
  const std::size_t column = before.size() - (lines == 0 ? 0 : before.rfind('\n') + 1);
  return "byte " + std::to_string(before.size() + 1) + " (line " + std::to_string(lines + 1) + ", column " +
         std::to_string(column + 1) + "): ";
}

Result<Document> Reader::Finish() {
  if (!error_.empty()) return Error{ErrorCode::kParse, std::move(error_)};
  return std::move(document_);
}

bool Reader::Skipped() const {
  if (skip_depth_ > 0) return true;
  if (frames_.empty()) return false;
  const Frame& frame = frames_.back();
  return !IsArray(frame.place) && frame.place != Place::kIoStats && frame.name == nullptr;
}

std::string_view Reader::Expected() const {
  if (frames_.empty() || IsArray(frames_.back().place)) return "an object";
  if (frames_.back().place == Place::kIoStats) return "a number";
  const Slot& slot = frames_.back().name->slot;
  if (const auto* place = std::get_if<Place>(&slot)) return IsArray(*place) ? "an array" : "an object";
  return std::holds_alternative<std::string Fields::*>(slot) ? "a string" : "a number";
}

std::string Reader::Pointer() const {
  if (frames_.empty()) return "the document";
  std::string pointer;
  for (const Frame& frame : frames_) {
    pointer += "/" + (IsArray(frame.place) ? std::to_string(frame.index) : EscapeToken(frame.key));
  }
  return pointer;
}

Fields& Reader::FieldsHere() {
  return frames_.back().place == Place::kDocument ? document_fields_ : entry_fields_;
}

bool Reader::Refuse(std::string_view message) {
  error_ = Pointer() + ": ";
  error_ += message;
  return false;
}

bool Reader::RefuseType(std::string_view got) {
  return Refuse("expected " + std::string(Expected()) + ", got " + std::string(got));
}

bool Reader::RefuseMissing(std::string_view name) {
  frames_.back().key = name;
  return Refuse("required, but missing, null or empty");
}

bool Reader::null() {
  if (Skipped()) return true;
  if (frames_.empty() || IsArray(frames_.back().place)) return RefuseType("null");
  return true;
}

bool Reader::boolean(bool /*value*/) {
  return Skipped() || RefuseType("a boolean");
}

bool Reader::number_integer(number_integer_t value) {
  return TakeNumber({.real = static_cast<double>(value)});
}

bool Reader::number_unsigned(number_unsigned_t value) {
  return TakeNumber({.real = static_cast<double>(value), .whole = value});
}

bool Reader::number_float(number_float_t value, const string_t& /*text*/) {
  return TakeNumber({.real = value});
}

bool Reader::string(string_t& value) {
  if (Skipped()) return true;
  if (Expected() != "a string") return RefuseType("a string");
  return TakeName(value, FieldsHere().*std::get<std::string Fields::*>(frames_.back().name->slot));
}

bool Reader::binary(binary_t& /*value*/) {
  return Refuse("binary is not JSON");
}

bool Reader::start_object(std::size_t /*elements*/) {
  return Open("an object");
}

bool Reader::start_array(std::size_t /*elements*/) {
  return Open("an array");
}

bool Reader::key(string_t& value) {
  if (skip_depth_ > 0) return true;
  Frame& frame = frames_.back();
  frame.key.swap(value);
  if (frame.place == Place::kIoStats) return true;
  frame.name = FindName(frame.place, frame.key);
  if (frame.name == nullptr) {
    const std::string units = KnownUnits(frame.place, frame.key);
    return units.empty() || Refuse("unknown; " + units);
  }
  const std::uint32_t bit = 1U << static_cast<unsigned>(frame.name - kKnownNames.data());
  if ((frame.seen & bit) != 0) return Refuse("given twice");
  frame.seen |= bit;
  return true;
}

bool Reader::end_object() {
  if (skip_depth_ > 0) {
    --skip_depth_;
    return true;
  }
  if (!Keep(frames_.back().place)) return false;
  frames_.pop_back();
  if (!frames_.empty() && IsArray(frames_.back().place)) ++frames_.back().index;
  return true;
}

bool Reader::end_array() {
  if (skip_depth_ > 0) {
    --skip_depth_;
  } else {
    frames_.pop_back();
  }
  return true;
}

bool Reader::parse_error(std::size_t position, const std::string& /*last_token*/,
                         const nlohmann::detail::exception& error) {
  constexpr int kNumberOverflow = 406;
  if (error.id == kNumberOverflow) return Refuse("the number is too large");
  error_ = TextPlace(body_, position) + ParserText(error.what());
  return false;
}

bool Reader::TakeNumber(const Number& number) {
  if (Skipped()) return true;
  if (Expected() != "a number") return RefuseType("a number");
  std::optional<std::uint64_t> unused;
  if (frames_.back().place == Place::kIoStats) return TakeValue(number, unused);
  Fields& fields = FieldsHere();
  const Slot& slot = frames_.back().name->slot;
  if (const auto* real = std::get_if<std::optional<double> Fields::*>(&slot)) return TakeReal(number, fields.**real);
  if (const auto* usage = std::get_if<std::optional<std::uint64_t> series::Usage::*>(&slot)) {
    return TakeValue(number, fields.values.usage.**usage);
  }
  return TakeValue(number, fields.values.*std::get<std::optional<std::uint64_t> series::NodeReading::*>(slot));
}

bool Reader::TakeValue(const Number& number, std::optional<std::uint64_t>& value) {
  const bool fits = number.whole ? *number.whole <= kMaxValue : number.real >= 0 && std::round(number.real) < kTwoTo63;
  if (!fits) return Refuse("expected 0 to " + std::to_string(kMaxValue) + ", got " + TextOf(number.real));
  value = number.whole ? *number.whole : static_cast<std::uint64_t>(std::round(number.real));
  return true;
}

bool Reader::TakeReal(const Number& number, std::optional<double>& value) {
  if (number.real < 0 || number.real > kMaxTimestampSeconds) {
    return Refuse("expected Unix seconds, got " + TextOf(number.real));
  }
  value = number.real;
  return true;
}

bool Reader::TakeName(const std::string& text, std::string& name) {
  if (text.size() > kMaxNameBytes) {
    return Refuse("expected at most " + std::to_string(kMaxNameBytes) + " bytes, got " + std::to_string(text.size()));
  }
  if (HasControlCharacter(text)) return Refuse("control characters are not allowed");
  if (text == kReservedName) return Refuse("the name " + std::string(kReservedName) + " is reserved");
  name = text;
  return true;
}

bool Reader::Open(std::string_view got) {
  if (Skipped()) {
    ++skip_depth_;
    return true;
  }
  if (Expected() != got) return RefuseType(got);
  if (frames_.empty()) return Enter(Place::kDocument);
  const Frame& frame = frames_.back();
  if (!IsArray(frame.place)) return Enter(std::get<Place>(frame.name->slot));
  if (frame.index < kMaxEntries) return Enter(EntryOf(frame.place));
  return Refuse("at most " + std::to_string(kMaxEntries) + " are taken");
}

bool Reader::Enter(Place place) {
  if (place != Place::kIoStats) entry_fields_ = {};
  frames_.push_back({.place = place});
  return true;
}

bool Reader::Keep(Place place) {
  switch (place) {
    case Place::kDocument:
      return KeepDocument();
    case Place::kNodeData:
      document_.reading.node_reading = entry_fields_.values;
      ++document_.accepted;
      return true;
    case Place::kPod:
      return KeepPod();
    case Place::kNamespace:
    case Place::kDeployment:
      return KeepGroup(place == Place::kDeployment);
    default:
      return true;
  }
}

bool Reader::KeepPod() {
  if (entry_fields_.pod.empty()) return RefuseMissing("pod");
  if (entry_fields_.ns.empty()) return RefuseMissing("namespace");
  series::PodKey key{std::move(entry_fields_.ns), std::move(entry_fields_.pod), std::move(entry_fields_.deployment),
                     std::move(entry_fields_.uid)};
  series::PodReading pod;
  pod.key = std::make_shared<const series::PodKey>(std::move(key));
  pod.usage = entry_fields_.values.usage;
  pod.start_time_seconds = entry_fields_.start_time_seconds;
  document_.reading.pods.push_back(std::move(pod));
  document_.reading.groups.clear();
  return true;
}

bool Reader::KeepGroup(bool is_deployment) {
  if (entry_fields_.ns.empty()) return RefuseMissing("namespace");
  if (is_deployment && entry_fields_.deployment.empty()) return RefuseMissing("deployment");
  if (!document_.reading.pods.empty()) return true;  // pods say more
  document_.reading.groups.push_back(
      {std::move(entry_fields_.ns), std::move(entry_fields_.deployment), entry_fields_.values.usage});
  return true;
}

bool Reader::KeepDocument() {
  if (!document_fields_.timestamp) return RefuseMissing("timestamp");
  if (document_fields_.node.empty()) return RefuseMissing("node");
  document_.timestamp_ms = std::llround(*document_fields_.timestamp * 1000);
  document_.reading.node = std::move(document_fields_.node);
  document_.accepted += document_.reading.pods.size() + document_.reading.groups.size();
  return true;
}

}  // namespace cloudmon::ingest
