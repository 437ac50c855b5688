// SPDX-License-Identifier: Apache-2.0
#include "exporter/identity/pod_table.h"

#include <algorithm>
#include <string>

namespace cloudmon::identity {
namespace {

void Fill(std::string& text, const std::string& other) {
  if (text.empty()) text = other;
}

bool SameContainer(const ContainerIdentity& a, const ContainerIdentity& b) {
  return a.id.empty() || b.id.empty() ? !a.name.empty() && a.name == b.name : a.id == b.id;
}

void FillContainer(std::vector<ContainerIdentity>& containers, const ContainerIdentity& other) {
  const auto same = std::find_if(containers.begin(), containers.end(),
                                 [&](const ContainerIdentity& container) { return SameContainer(container, other); });
  if (same == containers.end()) {
    containers.push_back(other);
    return;
  }
  Fill(same->id, other.id);
  Fill(same->name, other.name);
  Fill(same->image, other.image);
  if (!same->log_birth_seconds) same->log_birth_seconds = other.log_birth_seconds;
}

}  // namespace

void FillGaps(PodIdentity& pod, const PodIdentity& other) {
  // A source that knows both of a static pod's UIDs knows which of them is the API's.
  if (!other.config_hash.empty() && other.config_hash == pod.uid) pod.uid = other.uid;
  Fill(pod.uid, other.uid);
  Fill(pod.config_hash, other.config_hash);
  if (pod.name.empty()) {
    pod.namespace_name = other.namespace_name;
    pod.name = other.name;
  }
  if (pod.workload_type.empty()) {
    pod.deployment = other.deployment;
    pod.workload = other.workload;
    pod.workload_type = other.workload_type;
  }
  Fill(pod.sandbox_id, other.sandbox_id);
  if (!pod.host_network) pod.host_network = other.host_network;
  for (const ContainerIdentity& container : other.containers) FillContainer(pod.containers, container);
}

PodTable::PodTable(const std::vector<Answer>& answers) {
  std::unordered_map<std::string, std::size_t> row_of;  // by UID and by config hash
  for (const Answer& answer : answers) {
    for (const PodIdentity& pod : answer.pods) {
      auto found = row_of.find(pod.uid);
      if (found == row_of.end() && !pod.config_hash.empty()) found = row_of.find(pod.config_hash);
      const std::size_t row = found == row_of.end() ? rows_.size() : found->second;
      if (found == row_of.end()) {
        rows_.push_back({pod, answer.source});
      } else {
        FillGaps(rows_[row].pod, pod);
      }
      if (!pod.uid.empty()) row_of.emplace(pod.uid, row);
      if (!pod.config_hash.empty()) row_of.emplace(pod.config_hash, row);
    }
  }
  BuildIndexes();
}

void PodTable::BuildIndexes() {
  const auto add = [](Index& index, std::string_view key, std::size_t row) {
    if (!key.empty()) index.emplace(key, row);
  };
  for (std::size_t row = 0; row < rows_.size(); ++row) {
    const PodIdentity& pod = rows_[row].pod;
    add(by_uid_, pod.uid, row);
    add(by_uid_, pod.config_hash, row);
    add(by_container_, pod.sandbox_id, row);
    for (const ContainerIdentity& container : pod.containers) add(by_container_, container.id, row);
  }
}

const PodTable::Row* PodTable::Find(const Index& index, std::string_view key) const {
  const auto found = index.find(key);
  return found == index.end() ? nullptr : &rows_[found->second];
}

const PodTable::Row* PodTable::FindPod(std::string_view uid) const {
  return Find(by_uid_, uid);
}

const PodTable::Row* PodTable::FindContainer(std::string_view id) const {
  return Find(by_container_, id);
}

}  // namespace cloudmon::identity
