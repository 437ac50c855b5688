// SPDX-License-Identifier: Apache-2.0
#include "exporter/identity/container_match.h"

#include <algorithm>
#include <cstddef>
#include <numeric>

#include "common/text.h"
#include "common/utf8.h"

namespace cloudmon::identity {
namespace {

// Positions in the order of their times. Empty where a time is missing or two are equal.
template <class Item, class Time>
std::vector<std::size_t> Order(std::span<const Item> items, Time time) {
  std::vector<std::size_t> order(items.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  if (!std::all_of(items.begin(), items.end(), [&](const Item& item) { return time(item).has_value(); })) return {};
  const auto before = [&](std::size_t a, std::size_t b) { return *time(items[a]) < *time(items[b]); };
  std::sort(order.begin(), order.end(), before);
  const auto tie = std::adjacent_find(order.begin(), order.end(), [&](auto a, auto b) { return !before(a, b); });
  if (tie != order.end()) order.clear();
  return order;
}

}  // namespace

std::optional<std::string> ParseTerminationLogMount(std::string_view line, std::string_view pod_uid) {
  std::string_view root;
  for (int field = 0; field < 4; ++field) root = text::CutToken(line);
  const std::string path = text::UnescapeOctal(root);
  const std::string parent = "/pods/" + std::string(pod_uid) + "/containers/";
  const auto at = path.find(parent);
  if (pod_uid.empty() || at == std::string::npos) return std::nullopt;
  std::string_view rest = std::string_view(path).substr(at + parent.size());
  const std::string_view name = text::Cut(rest, '/');
  // What follows is the file's name alone, or with "//deleted" when the kubelet has removed it since.
  const std::string_view file = text::Cut(rest, '/');
  if (name.empty() || file.empty() || (!rest.empty() && rest != "/deleted")) return std::nullopt;
  return SanitizeUtf8(name);
}

std::string ContainerNameFromMountinfo(std::string_view mountinfo, std::string_view pod_uid) {
  while (!mountinfo.empty()) {
    if (auto name = ParseTerminationLogMount(text::CutLine(mountinfo), pod_uid)) return *std::move(name);
  }
  return {};
}

std::vector<std::string> MatchContainerNames(std::span<const std::optional<double>> cgroup_starts,
                                             std::span<const NamedStart> names) {
  std::vector<std::string> matched(cgroup_starts.size());
  if (cgroup_starts.size() != names.size()) return matched;
  if (names.size() == 1) return {names[0].name};
  const auto cgroups = Order(cgroup_starts, [](const std::optional<double>& start) { return start; });
  const auto logs = Order(names, [](const NamedStart& name) { return name.seconds; });
  if (cgroups.size() != logs.size()) return matched;
  for (std::size_t i = 0; i < cgroups.size(); ++i) matched[cgroups[i]] = names[logs[i]].name;
  return matched;
}

}  // namespace cloudmon::identity
