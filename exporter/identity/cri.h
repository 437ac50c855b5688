// SPDX-License-Identifier: Apache-2.0
// Names from the container runtime (containerd, CRI-O, cri-dockerd) through the Kubernetes container runtime interface.
// Needs root, as the runtime's socket does.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/clock.h"
#include "exporter/identity/grpc_client.h"
#include "exporter/identity/identity.h"
#include "exporter/identity/workload.h"

namespace cloudmon::cri {  // cri.pb.h
class ListPodSandboxResponse;
class ListContainersResponse;
}  // namespace cloudmon::cri

namespace cloudmon::identity {

// Not thread-safe.
class CriSource final : public Source {
 public:
  static constexpr std::int64_t kTimeoutMs = 2'000;  // for all calls of one Fetch together

  // `endpoints`, each "unix:///run/containerd/containerd.sock" or a path: the first whose socket exists is asked.
  // `clock` must outlive the source.
  CriSource(std::vector<std::string> endpoints, const Clock& clock);

  [[nodiscard]] std::string_view name() const override { return "cri"; }
  // Errors start with "cri:" and name the socket: kNotFound, kDenied, kTimeout, kLimit, kParse, kIo; kInvalid for an
  // endpoint that is not a unix socket.
  Result<std::vector<PodIdentity>> Fetch() override;
  [[nodiscard]] std::string container_runtime() const override { return runtime_; }

 private:
  Result<std::vector<PodIdentity>> FetchPods();
  Status Connect();
  Status FindVersion();
  void LearnHostNetwork(const cri::ListPodSandboxResponse& sandboxes);
  void LearnImageNames(const cri::ListContainersResponse& containers);
  // Calls a method of `service` ("RuntimeService") and parses its answer.
  template <class Response, class Request>
  Result<Response> Call(std::string_view service, std::string_view method, const Request& request);

  std::vector<std::string> endpoints_;
  const Clock& clock_;
  std::unique_ptr<GrpcClient> client_;  // set while a socket is known
  std::string package_;                 // "runtime.v1." once the runtime's version is known
  std::string runtime_;
  std::int64_t deadline_ms_ = 0;              // of the Fetch that runs, on the steady clock
  std::map<std::string, bool> host_network_;  // by sandbox ID; asked once for each, as it never changes
  StringMap image_names_;                     // by image ID
};

}  // namespace cloudmon::identity
