// SPDX-License-Identifier: Apache-2.0
// Names from the API server: this node's pods, listed once and then watched, so that each change is known when it
// happens. Needs permission to get, list and watch pods.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "common/clock.h"
#include "common/kube/api.h"
#include "common/kube/reflector.h"
#include "exporter/identity/identity.h"

namespace cloudmon::identity {

// What the watch has told so far. Thread-safe.
class WatchedPods final : public kube::Handler {
 public:
  void Replace(std::vector<nlohmann::json> objects) override;
  void Apply(nlohmann::json object) override;
  void Delete(const nlohmann::json& object) override;

  [[nodiscard]] std::vector<PodIdentity> Pods() const;
  // 0 before the first list. Changes of a pod that leave its PodIdentity as it is do not count.
  [[nodiscard]] std::uint64_t version() const;

 private:
  mutable std::mutex mu_;                                 // guards all below
  std::map<std::string, PodIdentity, std::less<>> pods_;  // by UID
  std::uint64_t version_ = 0;
};

// Thread-safe but for Fetch, as every Source.
class KubernetesSource final : public Source {
 public:
  // The first Fetch waits so long for the first list, so that the first page has what the list says.
  static constexpr std::int64_t kFirstListMs = 2'000;

  // Begins to watch the pods of `node`. `clock` must outlive the source. Error: that of kube::Reflector::Start.
  static Result<std::unique_ptr<KubernetesSource>> Start(kube::Api api, std::string_view node, const Clock& clock);
  // `reflector` feeds `pods`.
  KubernetesSource(std::unique_ptr<WatchedPods> pods, std::unique_ptr<kube::Reflector> reflector);

  [[nodiscard]] std::string_view name() const override { return "kubernetes"; }
  // From memory, so the last state stays while the API server is away. Errors, before the first list: those of
  // kube::ReflectorStats; kTimeout while there is no answer.
  Result<std::vector<PodIdentity>> Fetch() override;
  [[nodiscard]] std::uint64_t version() const override { return pods_->version(); }
  // Whether the watch goes on.
  [[nodiscard]] bool current() const override { return reflector_->Stats().watching; }

 private:
  void AwaitFirstList();

  std::unique_ptr<WatchedPods> pods_;
  std::unique_ptr<kube::Reflector> reflector_;  // after what it feeds: it ends first
  bool waited_ = false;
};

}  // namespace cloudmon::identity
