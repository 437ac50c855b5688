// SPDX-License-Identifier: Apache-2.0
#include "aggregator/remote_write/state_file.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "common/file.h"
#include "common/output_directory.h"

namespace cloudmon::remote_write {
namespace {

constexpr const char* kName = "remote_write.json";
constexpr const char* kSentUntil = "sent_until";
constexpr const char* kAmended = "amended";

bool IsTime(const nlohmann::json& json) {
  return json.is_number_unsigned() && json.get<std::uint64_t>() < std::uint64_t{1} << 40U;
}

std::optional<State> Parse(const std::string& text) {
  const auto json = nlohmann::json::parse(text, nullptr, false);
  if (!json.is_object() || !json.contains(kSentUntil) || !IsTime(json[kSentUntil])) return std::nullopt;
  State state{json[kSentUntil].get<std::int64_t>(), {}};
  if (!json.contains(kAmended) || !json[kAmended].is_array()) return std::nullopt;
  for (const auto& time : json[kAmended]) {
    if (!IsTime(time)) return std::nullopt;
    state.amended_seconds.insert(time.get<std::int64_t>());
  }
  return state;
}

}  // namespace

Result<std::optional<State>> StateFile::Load() const {
  const std::string path = directory_ + "/" + kName;
  const auto text = ReadFile(path);
  if (!text.ok() && text.error().code == ErrorCode::kNotFound) return std::optional<State>();
  if (!text.ok()) return text.error();
  auto state = Parse(text.value());
  if (!state) return Error{ErrorCode::kParse, path + ": is not what was written there"};
  return state;
}

Status StateFile::Save(const State& state) const {
  const nlohmann::ordered_json json = {{kSentUntil, state.sent_until_seconds}, {kAmended, state.amended_seconds}};
  auto directory = OutputDirectory::Open(directory_);
  if (!directory.ok()) return directory.error();
  if (Status begun = directory.value().Begin(kName); !begun.ok()) return begun;
  if (Status written = directory.value().Append(json.dump() + "\n"); !written.ok()) return written;
  return directory.value().Commit();
}

}  // namespace cloudmon::remote_write
