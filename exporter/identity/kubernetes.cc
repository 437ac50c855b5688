// SPDX-License-Identifier: Apache-2.0
#include "exporter/identity/kubernetes.h"

#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>
#include <utility>

#include "exporter/identity/pod_object.h"

namespace cloudmon::identity {

void WatchedPods::Replace(std::vector<nlohmann::json> objects) {
  std::map<std::string, PodIdentity, std::less<>> pods;
  for (const nlohmann::json& object : objects) {
    if (auto pod = PodFromObject(object)) pods.insert_or_assign(pod->uid, *std::move(pod));
  }
  const std::lock_guard lock(mu_);
  if (version_ != 0 && pods == pods_) return;
  pods_.swap(pods);
  ++version_;
}

void WatchedPods::Apply(nlohmann::json object) {
  auto pod = PodFromObject(object);
  if (!pod) return;
  const std::lock_guard lock(mu_);
  PodIdentity& known = pods_[pod->uid];
  if (known == *pod) return;
  known = *std::move(pod);
  ++version_;
}

void WatchedPods::Delete(const nlohmann::json& object) {
  const std::string uid = UidOfObject(object);
  const std::lock_guard lock(mu_);
  if (pods_.erase(uid) > 0) ++version_;
}

std::vector<PodIdentity> WatchedPods::Pods() const {
  std::vector<PodIdentity> pods;
  const std::lock_guard lock(mu_);
  pods.reserve(pods_.size());
  for (const auto& [uid, pod] : pods_) pods.push_back(pod);
  return pods;
}

std::uint64_t WatchedPods::version() const {
  const std::lock_guard lock(mu_);
  return version_;
}

Result<std::unique_ptr<KubernetesSource>> KubernetesSource::Start(kube::Api api, std::string_view node,
                                                                  const Clock& clock) {
  auto pods = std::make_unique<WatchedPods>();
  kube::Resource resource{"/api/v1/pods", "spec.nodeName=" + std::string(node), ""};
  auto reflector = kube::Reflector::Start(std::move(api), std::move(resource), *pods, clock);
  if (!reflector.ok()) return reflector.error();
  return std::make_unique<KubernetesSource>(std::move(pods), std::move(reflector).value());
}

KubernetesSource::KubernetesSource(std::unique_ptr<WatchedPods> pods, std::unique_ptr<kube::Reflector> reflector)
    : pods_(std::move(pods)), reflector_(std::move(reflector)) {}

void KubernetesSource::AwaitFirstList() {
  constexpr std::int64_t kStepMs = 10;
  for (std::int64_t waited_ms = 0; waited_ms < kFirstListMs; waited_ms += kStepMs) {
    if (pods_->version() != 0 || reflector_->Stats().failures > 0) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(kStepMs));
  }
}

Result<std::vector<PodIdentity>> KubernetesSource::Fetch() {
  if (!std::exchange(waited_, true)) AwaitFirstList();
  if (pods_->version() != 0) return pods_->Pods();
  const kube::ReflectorStats stats = reflector_->Stats();
  if (stats.failures > 0) return Wrap(stats.last_error, "kubernetes");
  return Error{ErrorCode::kTimeout, "kubernetes: the API server has not listed the node's pods yet"};
}

}  // namespace cloudmon::identity
