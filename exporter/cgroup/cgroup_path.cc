// SPDX-License-Identifier: Apache-2.0
#include "exporter/cgroup/cgroup_path.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace cloudmon::cgroup {
namespace {

constexpr std::string_view kKubepods = "kubepods";
constexpr std::string_view kSlice = ".slice";
constexpr std::string_view kScope = ".scope";
constexpr std::array<std::string_view, 2> kQosNames = {"burstable", "besteffort"};

bool CutPrefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

bool CutSuffix(std::string_view& text, std::string_view suffix) {
  if (!text.ends_with(suffix)) return false;
  text.remove_suffix(suffix.size());
  return true;
}

// systemd writes bytes that have a meaning in unit names as \x2d.
std::string Unescape(std::string_view name) {
  std::string out;
  while (!name.empty()) {
    unsigned char byte = 0;
    if (name.size() >= 4 && name.starts_with("\\x") &&
        std::from_chars(name.data() + 2, name.data() + 4, byte, 16).ptr == name.data() + 4) {
      out += static_cast<char>(byte);
      name.remove_prefix(4);
    } else {
      out += name.front();
      name.remove_prefix(1);
    }
  }
  return out;
}

// The UID in the part after "pod", or empty. The systemd driver has "_" where the UID has "-", which would be a level.
std::string PodUid(std::string_view text) {
  constexpr std::size_t kMaxUid = 253;
  auto allowed = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_' ||
           c == '.';
  };
  if (text.empty() || text.size() > kMaxUid || !std::ranges::all_of(text, allowed)) return {};
  std::string uid(text);
  std::ranges::replace(uid, '_', '-');
  return uid;
}

std::string ContainerId(std::string_view name) {
  constexpr std::size_t kIdDigits = 64;
  CutSuffix(name, kScope);
  if (name.size() < kIdDigits) return {};
  const std::string_view prefix = name.substr(0, name.size() - kIdDigits);
  const std::string_view id = name.substr(prefix.size());
  if (!prefix.empty() && !prefix.ends_with('-')) return {};
  if (prefix.ends_with("conmon-")) return {};
  auto is_hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  return std::ranges::all_of(id, is_hex) ? std::string(id) : std::string{};
}

Place FromOutside(std::string_view name) {
  Place place;
  std::string_view stem = name;
  const bool systemd = CutSuffix(stem, kSlice);
  const bool nested_slice = systemd && stem.size() > kKubepods.size() && stem.ends_with(kKubepods) &&
                            stem[stem.size() - kKubepods.size() - 1] == '-';
  if (stem != kKubepods && !nested_slice) return place;
  place.level = Level::kRoot;
  place.qos = "guaranteed";  // unless a level says otherwise
  if (systemd) place.slice = stem;
  return place;
}

// A directory in kubepods or in kubepods/<qos>.
Place FromAbovePods(const Place& parent, std::string_view name) {
  const std::string_view stem_of_slice = name.substr(0, name.size() - std::min(name.size(), kSlice.size()));
  if (!parent.slice.empty() && !(CutSuffix(name, kSlice) && CutPrefix(name, parent.slice) && CutPrefix(name, "-"))) {
    return {};
  }
  Place place = parent;
  if (!parent.slice.empty()) place.slice = stem_of_slice;
  if (parent.level == Level::kRoot && std::ranges::find(kQosNames, name) != kQosNames.end()) {
    place.level = Level::kQos;
    place.qos = name;
    return place;
  }
  if (!CutPrefix(name, "pod")) return {};
  place.pod_uid = PodUid(name);
  place.level = Level::kPod;
  return place.pod_uid.empty() ? Place{} : place;
}

Place FromInside(const Place& parent, std::string_view name) {
  Place place = parent;
  place.level = Level::kBelow;
  if (parent.level != Level::kPod) return place;
  place.container_id = ContainerId(name);
  if (!place.container_id.empty()) place.level = Level::kContainer;
  return place;
}

}  // namespace

Place Descend(const Place& parent, std::string_view name) {
  const std::string unescaped = name.find('\\') == std::string_view::npos ? std::string{} : Unescape(name);
  if (!unescaped.empty()) name = unescaped;
  switch (parent.level) {
    case Level::kOutside:
      return FromOutside(name);
    case Level::kRoot:
    case Level::kQos:
      return FromAbovePods(parent, name);
    case Level::kPod:
    case Level::kContainer:
    case Level::kBelow:
      return FromInside(parent, name);
  }
  return {};
}

}  // namespace cloudmon::cgroup
