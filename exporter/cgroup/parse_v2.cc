// SPDX-License-Identifier: Apache-2.0
#include "exporter/cgroup/parse_v2.h"

#include <array>
#include <string>

#include "common/text.h"

namespace cloudmon::cgroup::v2 {
namespace {

constexpr std::uint64_t kNsPerUsec = 1000;

Value* IoField(DeviceIo& device, std::string_view key) {
  if (key == "rbytes") return &device.read_bytes;
  if (key == "wbytes") return &device.write_bytes;
  if (key == "rios") return &device.reads;
  if (key == "wios") return &device.writes;
  return nullptr;
}

}  // namespace

Errors ParseCpuStat(std::string_view text, CpuUsage& cpu) {
  const std::array fields = {
      Field{"usage_usec", &cpu.usage_ns, kNsPerUsec},   Field{"user_usec", &cpu.user_ns, kNsPerUsec},
      Field{"system_usec", &cpu.system_ns, kNsPerUsec}, Field{"nr_periods", &cpu.periods},
      Field{"nr_throttled", &cpu.throttled_periods},    Field{"throttled_usec", &cpu.throttled_ns, kNsPerUsec},
  };
  return ParseKeyed(text, fields);
}

Errors ParseCpuMax(std::string_view text, CpuUsage& cpu) {
  std::string_view rest = text::Trim(text);
  const std::string_view quota = text::CutToken(rest);
  const std::string_view period = text::CutToken(rest);
  Errors errors;
  if (quota != "max") errors = ParseNumber(quota, cpu.quota_usec);
  for (Error& error : ParseNumber(period, cpu.period_usec)) errors.push_back(std::move(error));
  return errors;
}

Errors ParseCpuWeight(std::string_view text, CpuUsage& cpu) {
  constexpr std::uint64_t kMaxWeight = 10000;
  Value weight;
  Errors errors = ParseNumber(text, weight);
  if (!weight) return errors;
  if (*weight > kMaxWeight) return {Error{ErrorCode::kParse, "not a weight: " + std::to_string(*weight)}};
  const std::uint64_t from_least = *weight == 0 ? 0 : *weight - 1;
  cpu.shares = 2 + from_least * 262142 / 9999;
  return errors;
}

Errors ParseMemoryStat(std::string_view text, MemoryUsage& memory, Value& inactive_file_bytes) {
  const std::array fields = {
      Field{"anon", &memory.rss_bytes},
      Field{"file", &memory.cache_bytes},
      Field{"file_mapped", &memory.mapped_file_bytes},
      Field{"inactive_file", &inactive_file_bytes},
      Field{"pgfault", &memory.page_faults},
      Field{"pgmajfault", &memory.major_page_faults},
  };
  return ParseKeyed(text, fields);
}

Errors ParseMemoryEvents(std::string_view text, MemoryUsage& memory) {
  const std::array fields = {Field{"oom_kill", &memory.oom_kills}};
  return ParseKeyed(text, fields);
}

Errors ParseIoStat(std::string_view text, std::vector<DeviceIo>& io) {
  Errors errors;
  while (!text.empty()) {
    std::string_view line = text::CutLine(text);
    std::string_view device;  // the values' device is the last one named before them
    for (std::string_view token = text::CutToken(line); !token.empty(); token = text::CutToken(line)) {
      if (token.find('=') == std::string_view::npos) {
        device = token;
        continue;
      }
      const std::string_view key = text::Cut(token, '=');
      DeviceIo unknown;
      if (IoField(unknown, key) == nullptr) continue;
      const auto number = text::ParseU64(token);
      DeviceIo* known = number.ok() ? FindDevice(device, io) : nullptr;
      if (!number.ok()) {
        errors.push_back(Wrap(number.error(), std::string(device) + " " + std::string(key)));
      } else if (known == nullptr) {
        errors.push_back(Error{ErrorCode::kParse, "not a device number: '" + std::string(device.substr(0, 64)) + "'"});
      } else {
        AddTo(*IoField(*known, key), number.value());
      }
    }
  }
  return errors;
}

}  // namespace cloudmon::cgroup::v2
