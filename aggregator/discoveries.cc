// SPDX-License-Identifier: Apache-2.0
#include "aggregator/discoveries.h"

#include <cstdlib>
#include <functional>
#include <utility>

#include "aggregator/discovery/dns.h"
#include "aggregator/discovery/file_sd.h"
#include "aggregator/discovery/kubernetes.h"
#include "aggregator/discovery/static_list.h"
#include "common/file.h"
#include "common/kube/api.h"
#include "common/text.h"

namespace cloudmon {
namespace {

using Single = Result<std::unique_ptr<discovery::Discovery>>;

Result<std::string> NamespaceOf(const AggregatorConfig& config) {
  if (!config.kubernetes_namespace.empty()) return config.kubernetes_namespace;
  const auto own = ReadFile(std::string(kube::kServiceAccountDir) + "/namespace");
  if (!own.ok()) return Wrap(own.error(), "scrape.kubernetes.namespace: it is not set, and this runs in no cluster");
  return std::string(text::Trim(own.value()));
}

Single MakeKubernetes(const AggregatorConfig& config, const Clock& clock) {
  auto api = kube::ApiOf({.url = config.kubernetes_api_url,
                          .token_file = config.kubernetes_token_file,
                          .ca_file = config.kubernetes_ca_file},
                         [](const char* name) { return std::getenv(name); });
  if (!api.ok()) return Wrap(api.error(), "scrape.kubernetes.api-url");
  auto ns = NamespaceOf(config);
  if (!ns.ok()) return ns.error();
  return discovery::MakeKubernetes(
      std::move(api).value(),
      {std::move(ns).value(), config.kubernetes_service, config.kubernetes_pod_selector, config.kubernetes_scheme},
      clock);
}

// One discovery that is asked for, and the settings that make it what it is.
struct Wanted {
  std::vector<std::string> settings;
  std::function<Single()> make;
};

std::vector<Wanted> WantedOf(const AggregatorConfig& config, const Clock& clock) {
  std::vector<Wanted> wanted;
  if (!config.scrape_targets.empty()) {
    wanted.push_back({config.scrape_targets, [&] { return discovery::MakeStaticList(config.scrape_targets); }});
    wanted.back().settings.emplace_back("scrape.targets");
  }
  if (!config.scrape_file_sd.empty()) {
    wanted.push_back({{config.scrape_file_sd, "scrape.file-sd"},
                      [&]() -> Single { return discovery::MakeFileSd(config.scrape_file_sd); }});
  }
  for (const std::string& name : config.scrape_dns) {
    wanted.push_back({{name, "scrape.dns"}, [&]() -> Single {
                        return discovery::MakeDns(discovery::ParseDnsName(name).value(), config.scrape_interval);
                      }});
  }
  if (!config.kubernetes_service.empty() || !config.kubernetes_pod_selector.empty()) {
    wanted.push_back({{config.kubernetes_service, config.kubernetes_pod_selector, config.kubernetes_namespace,
                       config.kubernetes_scheme, config.kubernetes_api_url, config.kubernetes_token_file,
                       config.kubernetes_ca_file, "scrape.kubernetes"},
                      [&] { return MakeKubernetes(config, clock); }});
  }
  return wanted;
}

}  // namespace

Result<discovery::Discoveries> DiscoveryMaker::Make(const AggregatorConfig& config) {
  Made made;
  discovery::Discoveries all;
  for (const Wanted& wanted : WantedOf(config, clock_)) {
    std::shared_ptr<discovery::Discovery>& one = made[wanted.settings];
    if (one != nullptr) continue;  // the same name twice
    if (const auto known = made_.find(wanted.settings); known != made_.end()) {
      one = known->second;
    } else {
      auto fresh = wanted.make();
      if (!fresh.ok()) return fresh.error();
      one = std::move(fresh).value();
    }
    all.push_back(one);
  }
  made_ = std::move(made);
  return all;
}

}  // namespace cloudmon
