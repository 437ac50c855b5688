// SPDX-License-Identifier: Apache-2.0
#include "exporter/sources.h"

#include <iterator>
#include <string>
#include <utility>

#include "exporter/identity/cri.h"
#include "exporter/identity/kubelet.h"
#include "exporter/identity/kubernetes.h"
#include "exporter/identity/podlogs.h"

namespace cloudmon {
namespace {

using SourcePtr = std::unique_ptr<identity::Source>;

Result<SourcePtr> MakeKubernetes(const ExporterConfig& config, const kube::Environment& environment,
                                 const Clock& clock) {
  auto api = KubernetesApi(config.kubernetes, environment);
  if (!api.ok()) return api.error();
  auto source = identity::KubernetesSource::Start(std::move(api).value(), config.node_name, clock);
  if (!source.ok()) return source.error();
  return SourcePtr(std::move(source).value());
}

SourcePtr MakeCri(const std::string& endpoint, const Clock& clock) {
  std::vector<std::string> endpoints(std::begin(kCriDefaultEndpoints), std::end(kCriDefaultEndpoints));
  if (!endpoint.empty()) endpoints = {endpoint};
  return std::make_unique<identity::CriSource>(std::move(endpoints), clock);
}

std::string Either(const std::string& set, const std::string& otherwise) {
  return set.empty() ? otherwise : set;
}

}  // namespace

Result<kube::Api> KubernetesApi(const KubernetesSettings& settings, const kube::Environment& environment) {
  return kube::ApiOf({.url = settings.api_url, .token_file = settings.token_file, .ca_file = settings.ca_file},
                     environment);
}

kube::Api KubeletApi(const ExporterConfig& config) {
  const std::string account = kube::kServiceAccountDir;
  kube::Api api;
  api.url = Either(config.kubelet.url, "https://" + config.node_name + ":10250");
  api.token_file = Either(config.kubernetes.token_file, account + "/token");
  api.verify_tls = !config.kubelet.insecure_skip_verify;
  if (api.verify_tls) {
    api.ca_file = Either(config.kubelet.ca_file, Either(config.kubernetes.ca_file, account + "/ca.crt"));
  }
  return api;
}

Result<std::vector<SourcePtr>> MakeSources(const ExporterConfig& config, const kube::Environment& environment,
                                           const Clock& clock) {
  std::vector<SourcePtr> sources;
  for (const std::string& name : config.identity_sources) {
    if (name == "kubernetes") {
      auto source = MakeKubernetes(config, environment, clock);
      if (!source.ok()) return Wrap(source.error(), "identity source kubernetes");
      sources.push_back(std::move(source).value());
    }
    if (name == "kubelet") sources.push_back(std::make_unique<identity::KubeletSource>(KubeletApi(config)));
    if (name == "cri") sources.push_back(MakeCri(config.cri_endpoint, clock));
    if (name == "podlogs") sources.push_back(std::make_unique<identity::PodLogsSource>(config.roots.podlogs));
  }
  return sources;
}

}  // namespace cloudmon
