// SPDX-License-Identifier: Apache-2.0
#include "exporter/cgroup/parse_v1.h"

#include <array>
#include <string>

#include "common/text.h"

namespace cloudmon::cgroup::v1 {
namespace {

Value* BlkioField(DeviceIo& device, BlkioKind kind, std::string_view operation) {
  const bool bytes = kind == BlkioKind::kBytes;
  if (operation == "Read") return bytes ? &device.read_bytes : &device.reads;
  if (operation == "Write") return bytes ? &device.write_bytes : &device.writes;
  return nullptr;
}

}  // namespace

Errors ParseCpuacctStat(std::string_view text, std::uint64_t ticks_per_second, CpuUsage& cpu) {
  const std::uint64_t ns_per_tick = 1'000'000'000 / ticks_per_second;
  const std::array fields = {Field{"user", &cpu.user_ns, ns_per_tick}, Field{"system", &cpu.system_ns, ns_per_tick}};
  return ParseKeyed(text, fields);
}

Errors ParseCpuStat(std::string_view text, CpuUsage& cpu) {
  const std::array fields = {
      Field{"nr_periods", &cpu.periods},
      Field{"nr_throttled", &cpu.throttled_periods},
      Field{"throttled_time", &cpu.throttled_ns},
  };
  return ParseKeyed(text, fields);
}

Errors ParseCfsQuota(std::string_view text, CpuUsage& cpu) {
  if (text::Trim(text) == "-1") return {};
  return ParseNumber(text, cpu.quota_usec);
}

Errors ParseMemoryStat(std::string_view text, MemoryUsage& memory, Value& inactive_file_bytes) {
  const std::array fields = {
      Field{"total_rss", &memory.rss_bytes},
      Field{"total_cache", &memory.cache_bytes},
      Field{"total_mapped_file", &memory.mapped_file_bytes},
      Field{"total_swap", &memory.swap_bytes},
      Field{"total_inactive_file", &inactive_file_bytes},
      Field{"total_pgfault", &memory.page_faults},
      Field{"total_pgmajfault", &memory.major_page_faults},
  };
  return ParseKeyed(text, fields);
}

Errors ParseMemoryLimit(std::string_view text, MemoryUsage& memory) {
  constexpr std::uint64_t kUnlimited = std::uint64_t{1} << 62U;
  Value limit;
  Errors errors = ParseNumber(text, limit);
  if (limit) memory.limit_bytes = *limit > kUnlimited ? Limit{} : Limit{*limit};
  return errors;
}

Errors ParseOomControl(std::string_view text, MemoryUsage& memory) {
  const std::array fields = {Field{"oom_kill", &memory.oom_kills}};
  return ParseKeyed(text, fields);
}

Errors ParseBlkio(std::string_view text, BlkioKind kind, std::vector<DeviceIo>& io) {
  Errors errors;
  while (!text.empty()) {
    std::string_view line = text::CutLine(text);
    const std::string_view device = text::CutToken(line);
    const std::string_view operation = text::CutToken(line);
    DeviceIo unknown;
    if (BlkioField(unknown, kind, operation) == nullptr) continue;
    const auto number = text::ParseU64(text::CutToken(line));
    DeviceIo* known = number.ok() ? FindDevice(device, io) : nullptr;
    if (!number.ok()) {
      errors.push_back(Wrap(number.error(), std::string(device) + " " + std::string(operation)));
    } else if (known == nullptr) {
      errors.push_back(Error{ErrorCode::kParse, "not a device number: '" + std::string(device.substr(0, 64)) + "'"});
    } else {
      AddTo(*BlkioField(*known, kind, operation), number.value());
    }
  }
  return errors;
}

}  // namespace cloudmon::cgroup::v1
