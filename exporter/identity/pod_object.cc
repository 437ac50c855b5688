// SPDX-License-Identifier: Apache-2.0
#include "exporter/identity/pod_object.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>
#include <vector>

#include "common/utf8.h"
#include "exporter/identity/workload.h"

namespace cloudmon::identity {
namespace {

using nlohmann::json;

constexpr std::size_t kIdLength = 64;

// null where `object` is no object or has no such key.
const json& Field(const json& object, const char* key) {
  static const json kNull;
  const auto found = object.find(key);
  return found == object.end() ? kNull : *found;
}

// Empty where it is no text.
std::string Text(const json& object, const char* key) {
  const json& field = Field(object, key);
  return field.is_string() ? SanitizeUtf8(field.get_ref<const std::string&>()) : std::string();
}

bool IsTrue(const json& object, const char* key) {
  const json& field = Field(object, key);
  return field.is_boolean() && field.get<bool>();
}

// Without items where it is no list.
const json& List(const json& object, const char* key) {
  static const json kEmpty = json::array();
  const json& field = Field(object, key);
  return field.is_array() ? field : kEmpty;
}

StringMap Map(const json& object, const char* key) {
  StringMap map;
  const json& field = Field(object, key);
  if (!field.is_object()) return map;
  for (const auto& [name, value] : field.items()) {
    if (value.is_string()) map.emplace(SanitizeUtf8(name), SanitizeUtf8(value.get_ref<const std::string&>()));
  }
  return map;
}

// "2026-11-20T08:15:30Z" in Unix seconds.
std::optional<std::int64_t> ParseTime(const std::string& text) {
  std::tm time{};
  const char* end = ::strptime(text.c_str(), "%Y-%m-%dT%H:%M:%SZ", &time);
  if (end == nullptr || *end != '\0') return std::nullopt;
  return ::timegm(&time);
}

std::vector<OwnerReference> Owners(const json& metadata, const StringMap& annotations) {
  // The kubelet's own view of a static pod has no owner.
  if (IsStatic(annotations)) return {{.kind = "Node", .name = {}, .controller = true}};
  std::vector<OwnerReference> owners;
  for (const json& reference : List(metadata, "ownerReferences")) {
    OwnerReference owner{Text(reference, "kind"), Text(reference, "name"), IsTrue(reference, "controller")};
    if (!owner.kind.empty() && !owner.name.empty()) owners.push_back(std::move(owner));
  }
  return owners;
}

// "containerd://<64 digits>", "cri-o://...", "docker://...": the digits; empty for anything else.
std::string ParseContainerId(std::string_view text) {
  const auto scheme_end = text.find("://");
  if (scheme_end == std::string_view::npos) return {};
  const std::string_view id = text.substr(scheme_end + 3);
  const bool good = id.size() == kIdLength && id.find_first_not_of("0123456789abcdef") == std::string_view::npos;
  return good ? std::string(id) : std::string();
}

std::string FindId(const json& statuses, std::string_view container) {
  const auto found = std::find_if(statuses.begin(), statuses.end(),
                                  [&](const json& status) { return Text(status, "name") == container; });
  return found == statuses.end() ? std::string() : ParseContainerId(Text(*found, "containerID"));
}

void AddContainers(const json& containers, const json& statuses, std::vector<ContainerIdentity>& out) {
  for (const json& container : containers) {
    ContainerIdentity identity;
    identity.name = Text(container, "name");
    identity.id = FindId(statuses, identity.name);
    identity.image = Text(container, "image");
    if (!identity.name.empty()) out.push_back(std::move(identity));
  }
}

}  // namespace

std::string UidOfObject(const json& pod) {
  return Text(Field(pod, "metadata"), "uid");
}

std::optional<PodIdentity> PodFromObject(const json& object) {
  const json& metadata = Field(object, "metadata");
  const json& spec = Field(object, "spec");
  const json& status = Field(object, "status");
  const StringMap annotations = Map(metadata, "annotations");
  PodIdentity pod;
  pod.uid = UidOfObject(object);
  pod.namespace_name = Text(metadata, "namespace");
  pod.name = Text(metadata, "name");
  if (pod.uid.empty() || pod.namespace_name.empty() || pod.name.empty()) return std::nullopt;
  Workload workload = WorkloadFromOwners(pod.name, Map(metadata, "labels"), Owners(metadata, annotations),
                                         ParseTime(Text(metadata, "creationTimestamp")));
  pod.config_hash = ConfigHash(annotations);
  pod.deployment = std::move(workload.deployment);
  pod.workload = std::move(workload.name);
  pod.workload_type = std::move(workload.type);
  if (spec.is_object()) pod.host_network = IsTrue(spec, "hostNetwork");
  AddContainers(List(spec, "containers"), List(status, "containerStatuses"), pod.containers);
  AddContainers(List(spec, "initContainers"), List(status, "initContainerStatuses"), pod.containers);
  AddContainers(List(spec, "ephemeralContainers"), List(status, "ephemeralContainerStatuses"), pod.containers);
  return pod;
}

}  // namespace cloudmon::identity
