// SPDX-License-Identifier: Apache-2.0
#include "exporter/proc/devices.h"

#include <algorithm>
#include <initializer_list>

namespace cloudmon::proc {
namespace {

bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}

// Takes the digits off the end of `text`; false where there are none.
bool CutDigitsAtEnd(std::string_view& text) {
  const std::size_t before = text.size();
  while (!text.empty() && IsDigit(text.back())) text.remove_suffix(1);
  return text.size() < before;
}

bool CutAtEnd(std::string_view& text, std::string_view suffix) {
  if (!text.ends_with(suffix)) return false;
  text.remove_suffix(suffix.size());
  return true;
}

bool IsOneOf(std::string_view text, std::initializer_list<std::string_view> names) {
  return std::find(names.begin(), names.end(), text) != names.end();
}

// "sda", "vdb", "xvdc", "hdd", "sdaa".
bool IsLetteredDisk(std::string_view name) {
  for (const std::string_view prefix : {"hd", "sd", "vd", "xvd"}) {
    if (!name.starts_with(prefix) || name.size() == prefix.size()) continue;
    const std::string_view letters = name.substr(prefix.size());
    return std::all_of(letters.begin(), letters.end(), [](char c) { return c >= 'a' && c <= 'z'; });
  }
  return false;
}

}  // namespace

bool IsNodeInterface(std::string_view name) {
  if (IsOneOf(name, {"lo", "nodelocaldns"})) return false;
  constexpr std::string_view kPrefixes[] = {"veth", "docker", "cali", "cilium", "cni", "lxc", "tunl", "flannel"};
  return std::none_of(std::begin(kPrefixes), std::end(kPrefixes),
                      [&](std::string_view prefix) { return name.starts_with(prefix); });
}

bool IsNodeDisk(std::string_view name) {
  std::string_view stem = name;
  if (!CutDigitsAtEnd(stem)) return true;
  if (IsOneOf(stem, {"ram", "zram", "loop", "fd", "sr"}) || IsLetteredDisk(stem)) return false;
  if (!CutAtEnd(stem, "p") || !CutDigitsAtEnd(stem)) return true;
  if (stem == "mmcblk") return false;  // mmcblk0p1
  return !(CutAtEnd(stem, "n") && CutDigitsAtEnd(stem) && stem == "nvme");
}

std::map<std::pair<std::uint32_t, std::uint32_t>, std::string> DeviceNames(std::span<const Disk> disks) {
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::string> names;
  for (const Disk& disk : disks) names[{disk.major, disk.minor}] = "/dev/" + disk.name;
  return names;
}

}  // namespace cloudmon::proc
