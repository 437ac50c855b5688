// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "aggregator/discovery/discovery.h"
#include "common/clock.h"
#include "common/kube/api.h"
#include "common/result.h"

namespace cloudmon::discovery {

// Where the exporters are: the endpoints of a Service, or pods with certain labels.
struct KubernetesExporters {
  std::string ns;            // namespace
  std::string service;       // empty: pods
  std::string pod_selector;  // "app.kubernetes.io/name=cloud-monitor-exporter"
  std::string scheme;        // "http" or "https"
};

// Targets from a list that the API server keeps up to date: they come and go within a second or two. While it cannot be
// reached or refuses, the last targets stay. The right needed is get, list and watch of endpointslices
// (discovery.k8s.io) in that one namespace, or of pods: slices are smaller, tell no more than addresses, and name the
// node too. `clock` must outlive it. Error: where watching cannot begin.
Result<std::unique_ptr<Discovery>> MakeKubernetes(kube::Api api, KubernetesExporters exporters, const Clock& clock);

}  // namespace cloudmon::discovery
