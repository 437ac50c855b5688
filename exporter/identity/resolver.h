// SPDX-License-Identifier: Apache-2.0
// Who each cgroup is: asks the sources when a cgroup appears that is not known yet, keeps what they said until the
// cgroup goes, and says what to show for a pod that none of them can name.
//
//   Resolver resolver(std::move(sources), probe, clock);
//   const Resolution seen = resolver.Resolve(pods);        // pods: one scan of the cgroup tree
//   for (std::size_t i = 0; i < pods.size(); ++i) {
//     const ResolvedPod& who = *seen.pods[i];
//     if (who.state == PodState::kHeldBack) continue;
//     ... who.identity.namespace_name, who.identity.name, who.identity.deployment
//     for (const cgroup::Container& c : pods[i].containers) {
//       const ResolvedContainer* name = who.Find(c.id);   // kind, name, image
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/clock.h"
#include "exporter/cgroup/usage.h"
#include "exporter/identity/identity.h"
#include "exporter/identity/pod_table.h"
#include "exporter/identity/source_set.h"

namespace cloudmon::identity {

// A pod or container that no source has named is held back for at most this long after its cgroup was first seen.
inline constexpr std::int64_t kHoldBackMs = 30'000;

enum class PodState : std::uint8_t {
  kKnown,         // identity is what the sources said
  kHeldBack,      // a source may still name it: no series yet
  kUnidentified,  // shown with namespace "" and the pod's UID as its name
};

enum class ContainerKind : std::uint8_t {
  kContainer,  // show it
  kSandbox,    // the pause container: no series of its own
  kHeldBack,   // a source may still name it: no series yet
};

struct ResolvedContainer {
  std::string id;
  ContainerKind kind = ContainerKind::kHeldBack;
  std::string name;   // the first 12 digits of the ID where no name is known
  std::string image;  // empty where unknown
  bool operator==(const ResolvedContainer&) const = default;
};

struct ResolvedPod {
  PodState state = PodState::kHeldBack;
  // uid is always set (the source's, else the cgroup's). When kUnidentified: name is the UID, all else is empty.
  // identity.containers is empty: see `containers`.
  PodIdentity identity;
  std::vector<ResolvedContainer> containers;  // one for each container cgroup of the pod

  // nullptr when there is none with this ID.
  [[nodiscard]] const ResolvedContainer* Find(std::string_view container_id) const;
  bool operator==(const ResolvedPod&) const = default;
};

struct Resolution {
  // Parallel to the pods given; never null. As long as nothing about a pod changes the pointer stays the same, so that
  // what is built from it (rendered labels) can be kept with it.
  std::vector<std::shared_ptr<const ResolvedPod>> pods;
  std::size_t unidentified = 0;   // pods that are kUnidentified
  std::vector<Message> messages;  // for the log: a source went away or is back. Once for each change.
};

// What a process of a container shows about it without any privilege.
struct ProcessHints {
  std::string comm;            // "pause" is the sandbox; empty: could not be read
  std::string container_name;  // from the kubelet's mount of the termination log; empty where there is none
};

// Reads ProcessHints; ProcessProbe (process_probe.h) in the exporter, a fake in tests.
class Probe {
 public:
  virtual ~Probe() = default;
  // `pod_uid` as in the pod's cgroup.
  [[nodiscard]] virtual ProcessHints Look(std::uint32_t pid, std::string_view pod_uid) const = 0;
};

// Not thread-safe. Resolve may block as long as the sources' Fetch does (about 2 s for each that hangs; one that failed
// is left alone for 1 s, 2 s, 4 s ... 30 s).
class Resolver {
 public:
  // `sources` in the order of preference; may be empty. `probe` and `clock` must outlive the resolver.
  Resolver(std::vector<std::unique_ptr<Source>> sources, const Probe& probe, const Clock& clock);

  // `pods` is all that the node has now: what is known about a pod or container that is not in it is forgotten.
  Resolution Resolve(std::span<const cgroup::Pod> pods);

  [[nodiscard]] std::vector<SourceStats> Stats() const { return sources_.Stats(); }  // in the order of the sources
  // "containerd://1.6.20"; empty where no source knows.
  [[nodiscard]] std::string container_runtime() const { return sources_.container_runtime(); }

 private:
  struct ContainerEntry {
    std::int64_t first_seen_ms = 0;
    std::string name, image;
    bool listed = false;   // a source lists this ID
    bool sandbox = false;  // it is the pause container
    bool started = false;  // its process is the container's own, no longer the runtime's
    bool shown = false;    // once shown, never held back again
  };
  struct PodEntry {
    std::string uid;  // of the cgroup
    std::int64_t first_seen_ms = 0;
    std::uint64_t last_scan = 0;
    Backoff retry;
    PodIdentity identity;               // all that the sources have said about it so far
    std::optional<std::size_t> source;  // the most preferred source that has listed it
    bool ids_listed = false;  // at the last refresh a source listed it that knows, or will know, IDs of containers
    bool shown = false;
    bool stable = false;  // `resolved` holds until something about the pod changes
    std::map<std::string, ContainerEntry, std::less<>> containers;  // by ID: those that have a cgroup now
    std::shared_ptr<const ResolvedPod> resolved;
  };

  void Track(const cgroup::Pod& pod, std::int64_t now_ms);
  static void TrackContainers(PodEntry& entry, const cgroup::Pod& pod, std::int64_t now_ms);
  void Refresh(std::int64_t now_ms, std::vector<Message>& messages);
  static void Learn(const PodTable& table, PodEntry& entry);
  static void LearnContainers(const PodIdentity& listed, PodEntry& entry);
  void LookAtProcesses(PodEntry& entry, const cgroup::Pod& pod, std::int64_t now_ms) const;
  static void MatchNames(PodEntry& entry, const cgroup::Pod& pod);
  // For containers that no source lists by their ID yet: the image that the pod's container of that name has.
  static void FindImages(PodEntry& entry);
  [[nodiscard]] bool PodSettled(const PodEntry& entry) const;
  [[nodiscard]] static bool ContainerSettled(const PodEntry& entry, const ContainerEntry& container);
  [[nodiscard]] bool Settled(const PodEntry& entry) const;
  // Whether something first seen then waits for its name rather than being shown without.
  [[nodiscard]] bool MayWait(std::int64_t first_seen_ms, std::int64_t now_ms) const;
  void Show(PodEntry& entry, const cgroup::Pod& pod, std::int64_t now_ms) const;
  [[nodiscard]] ResolvedContainer ShowContainer(const PodEntry& entry, const std::string& id,
                                                const ContainerEntry& container, std::int64_t now_ms) const;

  const Probe& probe_;
  const Clock& clock_;
  SourceSet sources_;
  std::uint64_t scan_ = 0;
  std::map<std::string, PodEntry, std::less<>> entries_;  // by UID and path of the pod's cgroup
};

}  // namespace cloudmon::identity
