// SPDX-License-Identifier: Apache-2.0
#include "common/kube/api.h"

namespace cloudmon::kube {

Result<Api> InClusterApi(const Environment& environment, const std::string& account_dir) {
  const char* host = environment("KUBERNETES_SERVICE_HOST");
  const char* port = environment("KUBERNETES_SERVICE_PORT");
  if (host == nullptr || *host == '\0' || port == nullptr || *port == '\0') {
    return Error{
        ErrorCode::kNotFound,
        "not in a pod of Kubernetes: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set; name the "
        "API server with kubernetes.api-url"};
  }
  const std::string name = host;
  const bool is_ipv6 = name.find(':') != std::string::npos;
  Api api;
  api.url = "https://" + (is_ipv6 ? "[" + name + "]" : name) + ":" + port;
  api.token_file = account_dir + "/token";
  api.ca_file = account_dir + "/ca.crt";
  return api;
}

Result<Api> ApiOf(const Api& settings, const Environment& environment) {
  if (!settings.url.empty()) return settings;
  auto api = InClusterApi(environment, kServiceAccountDir);
  if (!api.ok()) return api;
  if (!settings.token_file.empty()) api.value().token_file = settings.token_file;
  if (!settings.ca_file.empty()) api.value().ca_file = settings.ca_file;
  return api;
}

}  // namespace cloudmon::kube
