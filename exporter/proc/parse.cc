// SPDX-License-Identifier: Apache-2.0
#include "exporter/proc/parse.h"

#include <algorithm>
#include <array>
#include <set>
#include <string>

#include "common/text.h"
#include "common/utf8.h"

namespace cloudmon::proc {
namespace {

// Reads the next `N` numbers of `line`; more may follow.
template <std::size_t N>
Result<std::array<std::uint64_t, N>> CutNumbers(std::string_view& line) {
  std::array<std::uint64_t, N> numbers{};
  for (auto& number : numbers) {
    const auto parsed = text::ParseU64(text::CutToken(line));
    if (!parsed.ok()) return parsed.error();
    number = parsed.value();
  }
  return numbers;
}

bool IsNumber(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

Result<CpuTimes> ParseCpu(std::string_view number, std::string_view line, double ticks_per_second) {
  const auto ticks = CutNumbers<8>(line);
  if (!ticks.ok()) return Wrap(ticks.error(), "cpu" + std::string(number));
  const auto seconds = [&](std::size_t column) {
    return static_cast<double>(ticks.value()[column]) / ticks_per_second;
  };
  return CpuTimes{.cpu = std::string(number),
                  .user_seconds = seconds(0),
                  .nice_seconds = seconds(1),
                  .system_seconds = seconds(2),
                  .idle_seconds = seconds(3),
                  .iowait_seconds = seconds(4),
                  .irq_seconds = seconds(5),
                  .softirq_seconds = seconds(6),
                  .steal_seconds = seconds(7)};
}

Result<std::uint64_t> ParseKilobytes(std::string_view text) {
  const auto number = text::ParseU64(text::CutToken(text));
  if (!number.ok()) return number;
  if (text::CutToken(text) != "kB") return Error{ErrorCode::kParse, "not in kB"};
  return number.value() * 1024;
}

template <class T>
struct Key {
  std::string_view name;
  Value T::*value;
};

constexpr std::array kMeminfoKeys = {
    Key<Meminfo>{"MemTotal", &Meminfo::total},
    Key<Meminfo>{"MemFree", &Meminfo::free},
    Key<Meminfo>{"MemAvailable", &Meminfo::available},
    Key<Meminfo>{"Buffers", &Meminfo::buffers},
    Key<Meminfo>{"Cached", &Meminfo::cached},
    Key<Meminfo>{"Active", &Meminfo::active},
    Key<Meminfo>{"Inactive", &Meminfo::inactive},
    Key<Meminfo>{"SwapTotal", &Meminfo::swap_total},
    Key<Meminfo>{"SwapFree", &Meminfo::swap_free},
    Key<Meminfo>{"Dirty", &Meminfo::dirty},
    Key<Meminfo>{"Writeback", &Meminfo::writeback},
    Key<Meminfo>{"AnonPages", &Meminfo::anonymous},
    Key<Meminfo>{"Mapped", &Meminfo::mapped},
    Key<Meminfo>{"Slab", &Meminfo::slab},
    Key<Meminfo>{"SReclaimable", &Meminfo::slab_reclaimable},
    Key<Meminfo>{"PageTables", &Meminfo::page_tables},
    Key<Meminfo>{"Committed_AS", &Meminfo::committed},
};

constexpr std::array kStatKeys = {
    Key<KernelCounts>{"intr", &KernelCounts::interrupts},
    Key<KernelCounts>{"ctxt", &KernelCounts::context_switches},
    Key<KernelCounts>{"btime", &KernelCounts::boot_time_seconds},
    Key<KernelCounts>{"processes", &KernelCounts::forks},
    Key<KernelCounts>{"procs_running", &KernelCounts::processes_running},
    Key<KernelCounts>{"procs_blocked", &KernelCounts::processes_blocked},
};

// Where the value of `key` belongs; nullptr: not known.
template <class T, std::size_t N>
Value* Field(const std::array<Key<T>, N>& keys, T& out, std::string_view key) {
  const auto found = std::find_if(keys.begin(), keys.end(), [&](const Key<T>& k) { return k.name == key; });
  return found == keys.end() ? nullptr : &(out.*found->value);
}

Result<Disk> ParseDisk(std::string_view line) {
  constexpr std::uint64_t kSectorBytes = 512;
  const auto device = CutNumbers<2>(line);
  if (!device.ok()) return device.error();
  Disk disk;
  disk.major = static_cast<std::uint32_t>(device.value()[0]);
  disk.minor = static_cast<std::uint32_t>(device.value()[1]);
  disk.name = SanitizeUtf8(text::CutToken(line));
  const auto columns = CutNumbers<11>(line);
  if (!columns.ok()) return Wrap(columns.error(), disk.name);
  const auto& column = columns.value();
  disk.reads = column[0];
  disk.reads_merged = column[1];
  disk.read_bytes = column[2] * kSectorBytes;
  disk.read_time_ms = column[3];
  disk.writes = column[4];
  disk.writes_merged = column[5];
  disk.written_bytes = column[6] * kSectorBytes;
  disk.write_time_ms = column[7];
  disk.io_time_ms = column[9];
  disk.weighted_io_time_ms = column[10];
  return disk;
}

Result<NetDevice> ParseInterface(std::string_view name, std::string_view columns_text) {
  NetDevice device;
  device.name = SanitizeUtf8(text::Trim(name));
  const auto columns = CutNumbers<12>(columns_text);
  if (!columns.ok()) return Wrap(columns.error(), device.name);
  const auto& column = columns.value();
  device.receive_bytes = column[0];
  device.receive_packets = column[1];
  device.receive_errors = column[2];
  device.receive_dropped = column[3];
  device.transmit_bytes = column[8];
  device.transmit_packets = column[9];
  device.transmit_errors = column[10];
  device.transmit_dropped = column[11];
  return device;
}

}  // namespace

Result<CpuStat> ParseStat(std::string_view text, double ticks_per_second) {
  CpuStat stat;
  while (!text.empty()) {
    std::string_view line = text::CutLine(text);
    const std::string_view key = text::CutToken(line);
    if (Value* field = Field(kStatKeys, stat.kernel, key)) {
      const auto number = text::ParseU64(text::CutToken(line));
      if (!number.ok()) return Wrap(number.error(), key);
      *field = number.value();
    } else if (key.starts_with("cpu") && IsNumber(key.substr(3))) {
      auto times = ParseCpu(key.substr(3), line, ticks_per_second);
      if (!times.ok()) return times.error();
      stat.cpus.push_back(std::move(times).value());
    }
  }
  return stat;
}

double BusySeconds(const CpuTimes& times) {
  return times.user_seconds + times.nice_seconds + times.system_seconds + times.irq_seconds + times.softirq_seconds;
}

Value MemoryInUse(const Meminfo& memory) {
  if (!memory.total || !memory.available || *memory.available > *memory.total) return std::nullopt;
  return *memory.total - *memory.available;
}

Result<Meminfo> ParseMeminfo(std::string_view text) {
  Meminfo out;
  while (!text.empty()) {
    std::string_view line = text::CutLine(text);
    const std::string_view key = text::Cut(line, ':');
    Value* field = Field(kMeminfoKeys, out, key);
    if (field == nullptr) continue;
    const auto bytes = ParseKilobytes(line);
    if (!bytes.ok()) return Wrap(bytes.error(), key);
    *field = bytes.value();
  }
  return out;
}

Result<LoadAverage> ParseLoadavg(std::string_view text) {
  LoadAverage load;
  text = text::Trim(text);
  for (double* field : {&load.load1, &load.load5, &load.load15}) {
    const auto value = text::ParseDouble(text::CutToken(text));
    if (!value.ok()) return value.error();
    *field = value.value();
  }
  return load;
}

Result<std::vector<Disk>> ParseDiskstats(std::string_view text) {
  std::vector<Disk> disks;
  std::set<std::string> names;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::string_view line = text::CutLine(text);
    if (text::Trim(line).empty()) continue;
    auto disk = ParseDisk(line);
    if (!disk.ok()) return Wrap(disk.error(), "line " + std::to_string(number));
    if (names.insert(disk.value().name).second) disks.push_back(std::move(disk).value());
  }
  return disks;
}

Result<std::vector<NetDevice>> ParseNetDev(std::string_view text) {
  std::vector<NetDevice> devices;
  std::set<std::string> names;
  while (!text.empty()) {
    const std::string_view line = text::CutLine(text);
    const auto colon = line.rfind(':');             // the columns hold none
    if (colon == std::string_view::npos) continue;  // the two lines of headings
    auto device = ParseInterface(line.substr(0, colon), line.substr(colon + 1));
    if (!device.ok()) return device.error();
    if (names.insert(device.value().name).second) devices.push_back(std::move(device).value());
  }
  return devices;
}

bool HasCgroup(std::string_view text, std::string_view name) {
  while (!text.empty()) {
    std::string_view path = text::CutLine(text);
    while (!path.empty()) {
      if (text::Cut(path, '/') == name) return true;
    }
  }
  return false;
}

}  // namespace cloudmon::proc
