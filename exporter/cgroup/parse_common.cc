// SPDX-License-Identifier: Apache-2.0
#include "exporter/cgroup/parse_common.h"

#include <algorithm>
#include <limits>

#include "common/text.h"

namespace cloudmon::cgroup {
namespace {

Result<std::uint64_t> ParseScaled(std::string_view digits, std::uint64_t scale) {
  auto number = text::ParseU64(text::Trim(digits));
  if (!number.ok()) return number;
  if (number.value() > std::numeric_limits<std::uint64_t>::max() / scale) {
    return Error{ErrorCode::kParse, "too large: '" + std::string(text::Trim(digits)) + "'"};
  }
  return number.value() * scale;
}

}  // namespace

Errors ParseKeyed(std::string_view text, std::span<const Field> fields) {
  Errors errors;
  while (!text.empty()) {
    std::string_view line = text::CutLine(text);
    const std::string_view key = text::Cut(line, ' ');
    const auto field = std::ranges::find(fields, key, &Field::key);
    if (field == fields.end()) continue;
    auto number = ParseScaled(line, field->scale);
    if (number.ok()) {
      *field->value = number.value();
    } else {
      errors.push_back(Wrap(std::move(number.error()), key));
    }
  }
  return errors;
}

Errors ParseNumber(std::string_view text, Value& value, std::uint64_t scale) {
  if (text.empty()) return {};
  auto number = ParseScaled(text, scale);
  if (!number.ok()) return {std::move(number.error())};
  value = number.value();
  return {};
}

Errors ParseLimit(std::string_view text, std::optional<Limit>& limit) {
  if (text::Trim(text) == "max") {
    limit = Limit{};
    return {};
  }
  Value number;
  Errors errors = ParseNumber(text, number);
  if (number) limit = number;
  return errors;
}

Errors ParsePids(std::string_view text, std::vector<std::uint32_t>& pids) {
  while (!text.empty()) {
    const std::string_view line = text::CutLine(text);
    if (line.empty()) continue;
    auto pid = text::ParseU64(line);
    if (!pid.ok()) return {std::move(pid.error())};
    if (pid.value() > std::numeric_limits<std::int32_t>::max()) {
      return {Error{ErrorCode::kParse, "not a process ID: '" + std::string(line) + "'"}};
    }
    pids.push_back(static_cast<std::uint32_t>(pid.value()));
  }
  return {};
}

DeviceIo* FindDevice(std::string_view number, std::vector<DeviceIo>& io) {
  if (number.find(':') == std::string_view::npos) return nullptr;
  const auto major = text::ParseU64(text::Cut(number, ':'));
  const auto minor = text::ParseU64(number);
  constexpr std::uint64_t kMax = std::numeric_limits<std::uint32_t>::max();
  if (!major.ok() || !minor.ok() || major.value() > kMax || minor.value() > kMax) return nullptr;
  const auto same = [&](const DeviceIo& d) { return d.major == major.value() && d.minor == minor.value(); };
  const auto known = std::ranges::find_if(io, same);
  if (known != io.end()) return &*known;
  DeviceIo device;
  device.major = static_cast<std::uint32_t>(major.value());
  device.minor = static_cast<std::uint32_t>(minor.value());
  return &io.emplace_back(device);
}

void AddTo(Value& value, std::uint64_t more) {
  const std::uint64_t before = value.value_or(0);
  value = more > std::numeric_limits<std::uint64_t>::max() - before ? std::numeric_limits<std::uint64_t>::max()
                                                                    : before + more;
}

Value WorkingSet(Value usage_bytes, Value inactive_file_bytes) {
  if (!usage_bytes || !inactive_file_bytes) return std::nullopt;
  return *usage_bytes - std::min(*usage_bytes, *inactive_file_bytes);
}

}  // namespace cloudmon::cgroup
