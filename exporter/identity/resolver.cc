// SPDX-License-Identifier: Apache-2.0
#include "exporter/identity/resolver.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "exporter/identity/container_match.h"

namespace cloudmon::identity {
namespace {

constexpr std::size_t kShortIdLength = 12;  // as the runtimes' own tools shorten IDs

// Until the runtime's first process becomes the container's own it has the runtime's name and mounts.
bool IsRuntimeInit(std::string_view comm) {
  return comm.starts_with("runc:[") || comm == "crun" || comm == "conmon";
}

// Leftovers of another cgroup driver can make a UID appear twice; each is a pod of its own then.
std::string Key(const cgroup::Pod& pod) {
  return pod.uid + pod.cgroup_path;
}

}  // namespace

const ResolvedContainer* ResolvedPod::Find(std::string_view container_id) const {
  const auto found = std::find_if(containers.begin(), containers.end(),
                                  [&](const ResolvedContainer& container) { return container.id == container_id; });
  return found == containers.end() ? nullptr : &*found;
}

Resolver::Resolver(std::vector<std::unique_ptr<Source>> sources, const Probe& probe, const Clock& clock)
    : probe_(probe), clock_(clock), sources_(std::move(sources)) {}

Resolution Resolver::Resolve(std::span<const cgroup::Pod> pods) {
  const std::int64_t now_ms = clock_.SteadyMs();
  Resolution resolution;
  ++scan_;
  for (const cgroup::Pod& pod : pods) Track(pod, now_ms);
  std::erase_if(entries_, [&](const auto& item) { return item.second.last_scan != scan_; });

  const bool unknown_due = std::any_of(entries_.begin(), entries_.end(), [&](const auto& item) {
    return !Settled(item.second) && item.second.retry.Due(now_ms);
  });
  if (unknown_due || sources_.Due(now_ms)) Refresh(now_ms, resolution.messages);

  for (const cgroup::Pod& pod : pods) {
    PodEntry& entry = entries_.find(Key(pod))->second;
    if (!entry.stable) Show(entry, pod, now_ms);
    if (entry.resolved->state == PodState::kUnidentified) ++resolution.unidentified;
    resolution.pods.push_back(entry.resolved);
  }
  return resolution;
}

void Resolver::Track(const cgroup::Pod& pod, std::int64_t now_ms) {
  const auto [found, added] = entries_.try_emplace(Key(pod));
  PodEntry& entry = found->second;
  if (added) {
    entry.uid = pod.uid;
    entry.first_seen_ms = now_ms;
  }
  entry.last_scan = scan_;
  TrackContainers(entry, pod, now_ms);
}

void Resolver::TrackContainers(PodEntry& entry, const cgroup::Pod& pod, std::int64_t now_ms) {
  const auto in_scan = [&](std::string_view id) {
    return std::any_of(pod.containers.begin(), pod.containers.end(), [&](const auto& c) { return c.id == id; });
  };
  if (std::erase_if(entry.containers, [&](const auto& item) { return !in_scan(item.first); }) > 0) entry.stable = false;
  for (const cgroup::Container& container : pod.containers) {
    const auto [found, added] = entry.containers.try_emplace(container.id);
    if (!added) continue;
    found->second.first_seen_ms = now_ms;
    entry.stable = false;
    entry.retry.Reset();  // ask at once
  }
}

void Resolver::Refresh(std::int64_t now_ms, std::vector<Message>& messages) {
  const std::vector<Answer> answers = sources_.Ask(now_ms, messages);
  const PodTable table(answers);
  for (auto& [key, entry] : entries_) {
    Learn(table, entry);
    if (!Settled(entry)) entry.retry.Failed(now_ms);
  }
}

void Resolver::Learn(const PodTable& table, PodEntry& entry) {
  entry.stable = false;
  entry.ids_listed = false;
  const PodTable::Row* row = table.FindPod(entry.uid);
  for (auto it = entry.containers.begin(); row == nullptr && it != entry.containers.end(); ++it) {
    row = table.FindContainer(it->first);
  }
  if (row == nullptr) return;

  entry.source = std::min(entry.source.value_or(row->source), row->source);
  // What was known stays: a source that is away now, or no longer lists the pod, may have told more.
  PodIdentity before = std::exchange(entry.identity, row->pod);
  std::erase_if(before.containers, [&](const ContainerIdentity& container) {
    return !container.id.empty() && !entry.containers.contains(container.id);
  });
  FillGaps(entry.identity, before);
  LearnContainers(row->pod, entry);
}

void Resolver::LearnContainers(const PodIdentity& listed, PodEntry& entry) {
  entry.ids_listed = !listed.sandbox_id.empty();
  for (const ContainerIdentity& container : listed.containers) {
    // Who knows a container's image before it runs will know its ID when it does.
    entry.ids_listed = entry.ids_listed || !container.id.empty() || !container.image.empty();
    const auto found = entry.containers.find(container.id);
    if (found == entry.containers.end()) continue;
    found->second.listed = true;
    found->second.sandbox = false;
    found->second.name = container.name;
    found->second.image = container.image;
  }
  const auto sandbox = entry.containers.find(listed.sandbox_id);
  if (sandbox != entry.containers.end()) sandbox->second.sandbox = true;
}

void Resolver::LookAtProcesses(PodEntry& entry, const cgroup::Pod& pod, std::int64_t now_ms) const {
  for (const cgroup::Container& container : pod.containers) {
    const auto found = entry.containers.find(container.id);
    if (found == entry.containers.end() || container.pids.empty()) continue;
    ContainerEntry& known = found->second;
    if (known.listed || known.sandbox || !known.name.empty()) continue;
    // What a container's process shows does not change once it runs.
    if (known.started && now_ms - known.first_seen_ms >= kHoldBackMs) continue;
    const ProcessHints hints = probe_.Look(container.pids.front(), pod.uid);
    known.name = hints.container_name;
    known.sandbox = known.name.empty() && hints.comm == "pause";
    known.started = !hints.comm.empty() && !IsRuntimeInit(hints.comm);
  }
}

void Resolver::FindImages(PodEntry& entry) {
  for (auto& [id, container] : entry.containers) {
    if (container.listed || container.name.empty()) continue;
    const auto& known = entry.identity.containers;
    const auto same = std::find_if(known.begin(), known.end(), [&](const auto& c) { return c.name == container.name; });
    if (same != known.end()) container.image = same->image;
  }
}

void Resolver::MatchNames(PodEntry& entry, const cgroup::Pod& pod) {
  std::vector<ContainerEntry*> unnamed;
  std::vector<std::optional<double>> starts;
  bool sandbox_is_unnamed = true;
  bool all_started = true;
  for (const cgroup::Container& container : pod.containers) {
    const auto found = entry.containers.find(container.id);
    if (found == entry.containers.end()) continue;
    ContainerEntry& known = found->second;
    if (known.sandbox) sandbox_is_unnamed = false;
    if (known.listed || known.sandbox || !known.name.empty()) continue;
    all_started = all_started && known.started;
    unnamed.push_back(&known);
    starts.push_back(container.usage.start_time_seconds);
  }
  // One of them may still be the sandbox, which has no name.
  if (unnamed.empty() || (sandbox_is_unnamed && !all_started)) return;

  std::vector<NamedStart> names;
  for (const ContainerIdentity& container : entry.identity.containers) {
    const bool used = std::any_of(entry.containers.begin(), entry.containers.end(),
                                  [&](const auto& item) { return item.second.name == container.name; });
    if (container.id.empty() && !used) names.push_back({container.name, container.log_birth_seconds});
  }
  const std::vector<std::string> matched = MatchContainerNames(starts, names);
  for (std::size_t i = 0; i < matched.size(); ++i) unnamed[i]->name = matched[i];
}

bool Resolver::PodSettled(const PodEntry& entry) const {
  const auto best = sources_.Best();
  return entry.source && (!best || *entry.source <= *best);
}

bool Resolver::ContainerSettled(const PodEntry& entry, const ContainerEntry& container) {
  // Where a source lists IDs it will list this one too, and with its image.
  return container.listed || container.sandbox || (!container.name.empty() && !entry.ids_listed);
}

bool Resolver::Settled(const PodEntry& entry) const {
  return PodSettled(entry) && std::all_of(entry.containers.begin(), entry.containers.end(),
                                          [&](const auto& item) { return ContainerSettled(entry, item.second); });
}

bool Resolver::MayWait(std::int64_t first_seen_ms, std::int64_t now_ms) const {
  return sources_.Best().has_value() && now_ms - first_seen_ms < kHoldBackMs;
}

void Resolver::Show(PodEntry& entry, const cgroup::Pod& pod, std::int64_t now_ms) const {
  LookAtProcesses(entry, pod, now_ms);
  if (!entry.ids_listed) MatchNames(entry, pod);
  FindImages(entry);

  auto next = std::make_shared<ResolvedPod>();
  if (!entry.shown && !PodSettled(entry) && MayWait(entry.first_seen_ms, now_ms)) {
    next->state = PodState::kHeldBack;
  } else {
    next->state = entry.identity.name.empty() ? PodState::kUnidentified : PodState::kKnown;
  }
  if (next->state == PodState::kUnidentified) {
    next->identity.name = pod.uid;
  } else {
    next->identity = entry.identity;
    next->identity.containers.clear();
  }
  if (next->identity.uid.empty()) next->identity.uid = pod.uid;
  entry.shown = next->state != PodState::kHeldBack;
  for (auto& [id, container] : entry.containers) {
    next->containers.push_back(ShowContainer(entry, id, container, now_ms));
    container.shown = entry.shown && next->containers.back().kind == ContainerKind::kContainer;
  }
  entry.stable = entry.shown && Settled(entry);
  if (!entry.resolved || *entry.resolved != *next) entry.resolved = std::move(next);
}

ResolvedContainer Resolver::ShowContainer(const PodEntry& entry, const std::string& id, const ContainerEntry& container,
                                          std::int64_t now_ms) const {
  ResolvedContainer shown{id, ContainerKind::kContainer, container.name, container.image};
  const bool complete = (!container.name.empty() && !container.image.empty()) || ContainerSettled(entry, container);
  if (container.sandbox) {
    shown.kind = ContainerKind::kSandbox;
  } else if (!container.shown && !complete && MayWait(container.first_seen_ms, now_ms)) {
    shown.kind = ContainerKind::kHeldBack;
  }
  if (shown.name.empty()) shown.name = id.substr(0, kShortIdLength);
  return shown;
}

}  // namespace cloudmon::identity
