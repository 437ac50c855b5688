// SPDX-License-Identifier: Apache-2.0
#include "exporter/cgroup/known_cgroup.h"

namespace cloudmon::cgroup {

Settings Settings::Of(const Usage& usage) {
  return {.cpu_shares = usage.cpu.shares,
          .cpu_period_usec = usage.cpu.period_usec,
          .cpu_quota_usec = usage.cpu.quota_usec,
          .memory_limit_bytes = usage.memory.limit_bytes,
          .threads_max = usage.threads_max};
}

void Settings::CopyTo(Usage& usage) const {
  usage.cpu.shares = cpu_shares;
  usage.cpu.period_usec = cpu_period_usec;
  usage.cpu.quota_usec = cpu_quota_usec;
  usage.memory.limit_bytes = memory_limit_bytes;
  usage.threads_max = threads_max;
}

KnownCgroup* KnownCgroup::Find(std::string_view whole_path) {
  if (whole_path == path) return this;
  if (!whole_path.starts_with(path) || whole_path[path.size()] != '/') return nullptr;
  const std::string_view below = whole_path.substr(path.size() + 1);
  if (const auto child = children.find(below.substr(0, below.find('/'))); child != children.end()) {
    return child->second->Find(whole_path);
  }
  for (const auto& [name, child] : children) {  // the name of a kubepods directory may be a path
    KnownCgroup* found = name.find('/') == std::string::npos ? nullptr : child->Find(whole_path);
    if (found != nullptr) return found;
  }
  return nullptr;
}

std::size_t KnownCgroup::CountKept() const {
  std::size_t kept = files.size() + (dir.valid() ? 1 : 0);
  for (const auto& [name, child] : children) kept += child->CountKept();
  return kept;
}

void KnownCgroup::CloseKept() {
  files = {};
  dir.Reset();
  for (const auto& [name, child] : children) child->CloseKept();
}

// Cgroups have their own first time, so that not all are read again in the same pass.
void KnownCgroup::KeepSettings(const Usage& usage, std::int64_t now_ms) {
  if (now_ms - first_seen_ms < kYoungMs) return;
  settings = Settings::Of(usage);
  const bool is_first = settings_due_ms == 0;
  settings_due_ms = now_ms + (is_first ? static_cast<std::int64_t>(inode % kSettingsMs) : kSettingsMs);
}

}  // namespace cloudmon::cgroup
