// SPDX-License-Identifier: Apache-2.0
// Where a Kubernetes API server (or a kubelet) is and who we are there.
#pragma once

#include <functional>
#include <string>

#include "common/result.h"

namespace cloudmon::kube {

struct Api {
  std::string url;         // "https://10.96.0.1:443", without a path; http:// for a proxy on this host
  std::string token_file;  // read again for each request, as the kubelet renews it; empty: no Authorization header
  std::string ca_file;     // PEM of who signs the server's certificate; empty: the system's authorities
  bool verify_tls = true;  // false: the server's certificate is not checked (kubelets that signed their own)
};

// Where a pod finds its service account: token, ca.crt and namespace.
inline constexpr const char* kServiceAccountDir = "/var/run/secrets/kubernetes.io/serviceaccount";

// Returns the value of an environment variable; nullptr where it is not set.
using Environment = std::function<const char*(const char* name)>;

// As a pod sees it: KUBERNETES_SERVICE_HOST and _PORT, and the service account's token and CA below `account_dir`
// (kServiceAccountDir). Error: kNotFound outside a cluster, naming what is missing and the setting that replaces it.
// Thread-safe.
Result<Api> InClusterApi(const Environment& environment, const std::string& account_dir);

// What `settings` say; without a url InClusterApi, with the files that `settings` name in place of the service
// account's. Errors as InClusterApi's. Thread-safe.
Result<Api> ApiOf(const Api& settings, const Environment& environment);

}  // namespace cloudmon::kube
