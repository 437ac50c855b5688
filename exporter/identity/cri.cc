// SPDX-License-Identifier: Apache-2.0
#include "exporter/identity/cri.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "common/utf8.h"
#include "exporter/identity/cri_pods.h"

namespace cloudmon::identity {
namespace {

constexpr std::string_view kScheme = "unix://";
constexpr std::string_view kRuntimeService = "RuntimeService";

Result<std::string> SocketPath(std::string_view endpoint) {
  const std::string_view path = endpoint.starts_with(kScheme) ? endpoint.substr(kScheme.size()) : endpoint;
  if (path.starts_with('/')) return std::string(path);
  return Error{ErrorCode::kInvalid,
               "--cri.endpoint: expected unix:///path/to/socket, got '" + std::string(endpoint) + "'"};
}

cri::ListRequest InState(int state) {
  cri::ListRequest request;
  request.mutable_filter()->mutable_state()->set_state(state);
  return request;
}

}  // namespace

CriSource::CriSource(std::vector<std::string> endpoints, const Clock& clock)
    : endpoints_(std::move(endpoints)), clock_(clock) {}

Result<std::vector<PodIdentity>> CriSource::Fetch() {
  deadline_ms_ = clock_.SteadyMs() + kTimeoutMs;
  auto pods = FetchPods();
  if (pods.ok()) return pods;
  package_.clear();  // the runtime may have been replaced by another version
  return Wrap(pods.error(), "cri");
}

Result<std::vector<PodIdentity>> CriSource::FetchPods() {
  if (const Status connected = Connect(); !connected.ok()) return connected.error();
  if (const Status version = FindVersion(); !version.ok()) return version.error();
  const auto sandboxes = Call<cri::ListPodSandboxResponse>(kRuntimeService, "ListPodSandbox", InState(kSandboxReady));
  if (!sandboxes.ok()) return sandboxes.error();
  const auto containers =
      Call<cri::ListContainersResponse>(kRuntimeService, "ListContainers", InState(kContainerRunning));
  if (!containers.ok()) return containers.error();
  LearnImageNames(containers.value());
  LearnHostNetwork(sandboxes.value());
  return BuildPods(sandboxes.value(), containers.value(), host_network_, image_names_);
}

Status CriSource::Connect() {
  std::string tried;
  for (const std::string& endpoint : endpoints_) {
    auto path = SocketPath(endpoint);
    if (!path.ok()) return path.error();
    struct stat info {};
    if (::stat(path.value().c_str(), &info) == 0 || errno != ENOENT) {
      if (client_ && client_->socket_path() == path.value()) return Status::Ok();
      client_ = std::make_unique<GrpcClient>(std::move(path).value());
      package_.clear();
      return Status::Ok();
    }
    tried += (tried.empty() ? "" : ", ") + path.value();
  }
  return Error{ErrorCode::kNotFound, "no runtime socket at " + tried + "; set --cri.endpoint"};
}

Status CriSource::FindVersion() {
  if (!package_.empty()) return Status::Ok();
  for (const std::string_view package : {"runtime.v1.", "runtime.v1alpha2."}) {
    const auto reply =
        client_->Call(std::string(package) + "RuntimeService/Version", {}, deadline_ms_ - clock_.SteadyMs());
    if (!reply.ok()) return reply.error();
    if (reply.value().trailers.status == kGrpcUnimplemented) continue;
    if (reply.value().trailers.status != kGrpcOk)
      return Wrap(GrpcError(reply.value().trailers), client_->socket_path());
    cri::VersionResponse version;
    if (!version.ParseFromString(reply.value().message)) {
      return Error{ErrorCode::kParse, client_->socket_path() + ": Version: malformed answer"};
    }
    package_ = package;
    runtime_ = SanitizeUtf8(version.runtime_name()) + "://" + SanitizeUtf8(version.runtime_version());
    return Status::Ok();
  }
  return Error{
      ErrorCode::kIo,
      client_->socket_path() + ": the runtime does not serve the container runtime interface; enable its CRI plugin"};
}

template <class Response, class Request>
Result<Response> CriSource::Call(std::string_view service, std::string_view method, const Request& request) {
  const std::string full = package_ + std::string(service) + "/" + std::string(method);
  const auto reply = client_->Call(full, request.SerializeAsString(), deadline_ms_ - clock_.SteadyMs());
  if (!reply.ok()) return reply.error();
  const std::string where = client_->socket_path() + ": " + std::string(method);
  if (reply.value().trailers.status != kGrpcOk) return Wrap(GrpcError(reply.value().trailers), where);
  Response response;
  if (!response.ParseFromString(reply.value().message)) return Error{ErrorCode::kParse, where + ": malformed answer"};
  return response;
}

void CriSource::LearnImageNames(const cri::ListContainersResponse& containers) {
  const bool unknown = std::any_of(containers.containers().begin(), containers.containers().end(), [&](const auto& c) {
    const std::string image = ImageOf(c);
    return IsImageId(image) && !image_names_.contains(image);
  });
  if (!unknown) return;
  // Without the list the images keep their IDs.
  const auto images = Call<cri::ListImagesResponse>("ImageService", "ListImages", cri::ListImagesRequest());
  if (!images.ok()) return;
  image_names_ = BuildImageNames(images.value());
  for (const cri::Container& container : containers.containers()) {
    if (std::string image = ImageOf(container); IsImageId(image)) image_names_.emplace(image, image);
  }
}

void CriSource::LearnHostNetwork(const cri::ListPodSandboxResponse& sandboxes) {
  std::map<std::string, bool> known;
  for (const cri::PodSandbox& sandbox : sandboxes.items()) {
    if (const auto found = host_network_.find(sandbox.id()); found != host_network_.end()) {
      known.insert(*found);
      continue;
    }
    cri::StatusRequest request;
    request.set_pod_sandbox_id(sandbox.id());
    const auto status = Call<cri::StatusResponse>(kRuntimeService, "PodSandboxStatus", request);
    if (!status.ok()) continue;  // it went, or time is up: unknown until the next Fetch
    known[sandbox.id()] = status.value().status().linux_status().namespaces().options().network() == kNetworkOfNode;
  }
  host_network_ = std::move(known);
}

}  // namespace cloudmon::identity
