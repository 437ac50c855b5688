// SPDX-License-Identifier: Apache-2.0
// Names from the directory where the kubelet keeps the logs: <podlogs>/<namespace>_<pod>_<pod uid>/<container>/<n>.log.
// Gives namespaces, names, UIDs and names of containers, but no IDs and no workload.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "exporter/identity/identity.h"

namespace cloudmon::identity {

// Parses "shop_web-5d4f8c7b9-x2x4z_0f0c9f4e-...": three parts, none empty and none with '_' in it. The UID may be a
// static pod's config hash. Invalid UTF-8 is replaced. nullopt for anything else. Safe to call from any thread.
[[nodiscard]] std::optional<PodIdentity> ParsePodLogsName(std::string_view name);

// Parses the name of a log file that is being written, "3.log": the number of restarts. nullopt for anything else, such
// as a rotated one. Safe to call from any thread.
[[nodiscard]] std::optional<std::uint64_t> ParseLogNumber(std::string_view name);

class PodLogsSource final : public Source {
 public:
  static constexpr std::size_t kMaxEntries = 16'384;

  // Reads at most `max_entries` directories of pods and containers, and as many files in each.
  explicit PodLogsSource(std::string path, std::size_t max_entries = kMaxEntries)
      : path_(std::move(path)), max_entries_(max_entries) {}
  [[nodiscard]] std::string_view name() const override { return "podlogs"; }
  // Errors: kNotFound and kDenied for the directory, kLimit above `max_entries`. What cannot be read below it is left
  // out.
  Result<std::vector<PodIdentity>> Fetch() override;

 private:
  std::string path_;
  std::size_t max_entries_;
};

}  // namespace cloudmon::identity
