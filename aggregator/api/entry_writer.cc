// SPDX-License-Identifier: Apache-2.0
#include "aggregator/api/entry_writer.h"

#include <array>

#include "aggregator/api/time_text.h"

namespace cloudmon::api {
namespace {

// Of an entry beside its identity and fields: the times and the punctuation.
constexpr std::size_t kMaxHeadBytes = 128;
// A week of buckets of 10 s; about 11 MB.
constexpr std::size_t kMaxHeads = 65'536;

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

EntryWriter::EntryWriter(std::vector<series::FieldInfo> fields)
    : fields_(std::move(fields)), max_bytes_(kMaxHeadBytes) {
  for (const series::FieldInfo& info : fields_) {
    keys_.push_back(",\"" + std::string(info.name) + "\":");
    max_bytes_ += keys_.back().size() + kMaxNumberBytes;
  }
}

const std::string& EntryWriter::Head(std::int64_t seconds) {
  if (last_head_ != nullptr && last_seconds_ == seconds) return *last_head_;
  if (heads_.size() >= kMaxHeads) heads_.clear();
  auto [place, is_new] = heads_.try_emplace(seconds);
  if (is_new) {
    place->second = "{\"timestamp\":\"" + LocalTimestamp(seconds) + "\",\"time\":" + std::to_string(seconds);
  }
  last_seconds_ = seconds;
  return *(last_head_ = &place->second);
}

void EntryWriter::Write(TextBuffer& out, std::int64_t time_seconds, std::string_view identity,
                        const series::Point& point) {
  out.Reserve(max_bytes_ + identity.size());
  out.Put(Head(time_seconds));
  out.Put(identity);
  for (std::size_t i = 0; i < fields_.size(); ++i) {
    if (!point.Has(fields_[i].field)) continue;
    out.Put(keys_[i]);
    out.PutValue(fields_[i], point.Get(fields_[i].field));
  }
  out.Put(std::string_view("}"));
}

}  // namespace cloudmon::api
