// SPDX-License-Identifier: Apache-2.0
#include "aggregator/discovery/kubernetes.h"

#include <spdlog/spdlog.h>

#include <cstddef>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "aggregator/discovery/found_targets.h"
#include "aggregator/discovery/kubernetes_endpoints.h"
#include "common/kube/reflector.h"

namespace cloudmon::discovery {
namespace {

constexpr std::size_t kMaxEndpoints = 20'000;

class Kubernetes final : public Discovery, private kube::Handler {
 public:
  explicit Kubernetes(KubernetesExporters exporters)
      : exporters_(std::move(exporters)),
        source_("kubernetes " + exporters_.ns + "/" +
                (exporters_.service.empty() ? exporters_.pod_selector : exporters_.service)) {}

  Status Start(kube::Api api, const Clock& clock) {
    auto reflector = kube::Reflector::Start(std::move(api), WhatToWatch(), *this, clock);
    if (!reflector.ok()) return reflector.error();
    reflector_ = std::move(reflector).value();
    return Status::Ok();
  }

  std::vector<Target> Targets() override { return found_.Targets(); }
  [[nodiscard]] bool Changed() const override { return found_.Changed(); }

 private:
  [[nodiscard]] kube::Resource WhatToWatch() const {
    if (exporters_.service.empty()) {
      return {"/api/v1/namespaces/" + exporters_.ns + "/pods", "", exporters_.pod_selector};
    }
    return {"/apis/discovery.k8s.io/v1/namespaces/" + exporters_.ns + "/endpointslices", "",
            "kubernetes.io/service-name=" + exporters_.service};
  }

  void Replace(std::vector<nlohmann::json> objects) override {
    by_object_.clear();
    for (const nlohmann::json& object : objects) by_object_[NameOf(object)] = EndpointsOf(object);
    Publish();
    spdlog::info("{}: {} targets", source_, found_.size());
  }

  void Apply(nlohmann::json object) override {
    std::vector<Endpoint> endpoints = EndpointsOf(object);
    std::vector<Endpoint>& known = by_object_[NameOf(object)];
    if (known == endpoints) return;
    known = std::move(endpoints);
    Publish();
  }

  void Delete(const nlohmann::json& object) override {
    by_object_.erase(NameOf(object));
    Publish();
  }

  static std::string NameOf(const nlohmann::json& object) {
    static const nlohmann::json::json_pointer name("/metadata/name");
    return object.contains(name) && object.at(name).is_string() ? object.at(name).get<std::string>() : "";
  }

  std::vector<Endpoint> EndpointsOf(const nlohmann::json& object) {
    ObjectEndpoints read = exporters_.service.empty() ? EndpointsOfPod(object) : EndpointsOfSlice(object);
    Warn(read.problem);
    return std::move(read.endpoints);
  }

  void Publish() {
    std::vector<Endpoint> all;
    for (const auto& [name, endpoints] : by_object_) {
      if (all.size() + endpoints.size() > kMaxEndpoints) {
        Warn("more than " + std::to_string(kMaxEndpoints) + " endpoints: the rest is not scraped");
        break;
      }
      all.insert(all.end(), endpoints.begin(), endpoints.end());
    }
    found_.Set(TargetsOf(std::move(all), exporters_.scheme, source_));
  }

  // Objects change often, and mostly what is wrong with one stays wrong.
  void Warn(const std::string& problem) {
    if (problem.empty() || problem == problem_) return;
    spdlog::warn("{}: {}", source_, problem);
    problem_ = problem;
  }

  const KubernetesExporters exporters_;
  const std::string source_;
  FoundTargets found_;
  // Of the reflector's thread.
  std::map<std::string, std::vector<Endpoint>> by_object_;
  std::string problem_;                         // the last one told
  std::unique_ptr<kube::Reflector> reflector_;  // last: its thread uses all of the above
};

}  // namespace

Result<std::unique_ptr<Discovery>> MakeKubernetes(kube::Api api, KubernetesExporters exporters, const Clock& clock) {
  auto made = std::make_unique<Kubernetes>(std::move(exporters));
  if (const Status started = made->Start(std::move(api), clock); !started.ok()) return started.error();
  return std::unique_ptr<Discovery>(std::move(made));
}

}  // namespace cloudmon::discovery
