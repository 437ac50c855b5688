// SPDX-License-Identifier: Apache-2.0
// The source against scripted answers. A real runtime: tests/e2e.
#include "exporter/identity/cri.h"

#include <doctest/doctest.h>

#include <string>

#include "common/clock.h"
#include "exporter/identity/cri.pb.h"
#include "exporter/identity/cri_pods.h"
#include "tests/support/files.h"
#include "tests/unit/exporter/identity/scripted_runtime.h"

namespace cloudmon::identity {
namespace {

using test::Http2Answer;
using test::RawSocket;
using test::ScriptedRuntime;

Error FetchError(std::vector<std::string> endpoints) {
  const SystemClock clock;
  CriSource source(std::move(endpoints), clock);
  CHECK(source.name() == "cri");
  const auto fetched = source.Fetch();
  REQUIRE(!fetched.ok());
  CHECK(source.container_runtime().empty());
  CAPTURE(fetched.error().message);
  CHECK(fetched.error().message.starts_with("cri: "));
  return fetched.error();
}

TEST_CASE("CriSource: no socket") {
  const test::TempDir dir;
  const Error error = FetchError({"unix://" + dir.path() + "/a.sock", dir.path() + "/b.sock"});
  CHECK(error.code == ErrorCode::kNotFound);
  CHECK(error.message ==
        "cri: no runtime socket at " + dir.path() + "/a.sock, " + dir.path() + "/b.sock; set --cri.endpoint");
}

TEST_CASE("CriSource: endpoints that are no unix socket") {
  const test::TempDir dir;
  CHECK(FetchError({"tcp://127.0.0.1:1"}).code == ErrorCode::kInvalid);
  CHECK(FetchError({"relative.sock"}).code == ErrorCode::kInvalid);
  CHECK(FetchError({dir.Write("file", "")}).code == ErrorCode::kInvalid);
  CHECK(FetchError({"/" + std::string(200, 'x')}).code == ErrorCode::kNotFound);
  const std::string deep = dir.MakeDir(std::string(120, 'd'));
  CHECK(FetchError({deep}).code == ErrorCode::kInvalid);
}

TEST_CASE("CriSource: nobody listens") {
  const RawSocket socket(0);
  const Error error = FetchError({socket.path()});
  CHECK(error.code == ErrorCode::kIo);
  CHECK(error.message.find(socket.path()) != std::string::npos);
}

TEST_CASE("CriSource: a server that speaks something else") {
  for (const std::string_view bytes : {"", "garbage\n", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"}) {
    CAPTURE(bytes);
    const ScriptedRuntime runtime({{std::string(bytes), true}});
    const Error error = FetchError({runtime.path()});
    CHECK((error.code == ErrorCode::kParse || error.code == ErrorCode::kIo));
    CHECK(error.message.find(runtime.path()) != std::string::npos);
  }
}

template <class Message>
ScriptedRuntime::Answer Good(const Message& message) {
  return {Http2Answer(FrameMessage(message.SerializeAsString()), {{"grpc-status", "0"}})};
}

ScriptedRuntime::Answer Version() {
  cri::VersionResponse version;
  version.set_runtime_name("containerd");
  version.set_runtime_version("1.6.20");
  return Good(version);
}

ScriptedRuntime::Answer Refused(const std::string& status, const std::string& message) {
  return {Http2Answer("", {{"grpc-status", status}, {"grpc-message", message}})};
}

cri::ListPodSandboxResponse OneSandbox() {
  cri::ListPodSandboxResponse sandboxes;
  cri::PodSandbox* sandbox = sandboxes.add_items();
  sandbox->set_id("s1");
  sandbox->mutable_metadata()->set_uid("u1");
  sandbox->mutable_metadata()->set_name("web-5d4f-x2x4z");
  sandbox->mutable_metadata()->set_namespace_("shop");
  (*sandbox->mutable_labels())["pod-template-hash"] = "5d4f";
  return sandboxes;
}

cri::ListContainersResponse OneContainer(const std::string& image) {
  cri::ListContainersResponse containers;
  cri::Container* container = containers.add_containers();
  container->set_id("c1");
  container->set_pod_sandbox_id("s1");
  container->mutable_metadata()->set_name("app");
  container->mutable_image()->set_image(image);
  container->set_state(kContainerRunning);
  return containers;
}

cri::ListImagesResponse OneImage() {
  cri::ListImagesResponse images;
  images.add_images()->set_id("sha256:1");
  images.mutable_images(0)->add_repo_tags("shop/web:1");
  return images;
}

cri::StatusResponse OnNodeNetwork() {
  cri::StatusResponse status;
  status.mutable_status()->mutable_linux_status()->mutable_namespaces()->mutable_options()->set_network(kNetworkOfNode);
  return status;
}

TEST_CASE("CriSource: pods; images and host network are asked for once") {
  const ScriptedRuntime runtime({Version(), Good(OneSandbox()), Good(OneContainer("sha256:1")), Good(OneImage()),
                                 Good(OnNodeNetwork()), Good(OneSandbox()), Good(OneContainer("sha256:1"))});
  const SystemClock clock;
  CriSource source({runtime.path()}, clock);
  for (int fetch = 0; fetch < 2; ++fetch) {
    const auto pods = source.Fetch();
    REQUIRE(pods.ok());
    REQUIRE(pods.value().size() == 1);
    const PodIdentity& pod = pods.value()[0];
    CHECK(pod.uid == "u1");
    CHECK(pod.deployment == "web");
    CHECK(pod.host_network == std::optional(true));
    REQUIRE(pod.containers.size() == 1);
    CHECK(pod.containers[0] == ContainerIdentity{"c1", "app", "shop/web:1", {}});
  }
  CHECK(source.container_runtime() == "containerd://1.6.20");
}

TEST_CASE("CriSource: an older runtime; what is asked besides may fail") {
  const ScriptedRuntime runtime({Refused("12", "unknown service runtime.v1.RuntimeService"), Version(),
                                 Good(OneSandbox()), Good(OneContainer("sha256:1")), Refused("2", "no images"),
                                 Refused("5", "gone")});
  const SystemClock clock;
  CriSource source({runtime.path()}, clock);
  const auto pods = source.Fetch();
  REQUIRE(pods.ok());
  REQUIRE(pods.value().size() == 1);
  CHECK(pods.value()[0].containers.at(0).image == "sha256:1");
  CHECK(!pods.value()[0].host_network);
}

TEST_CASE("CriSource: answers that are none") {
  const auto f = [](const std::vector<ScriptedRuntime::Answer>& answers, ErrorCode code, std::string_view why) {
    CAPTURE(why);
    const ScriptedRuntime runtime(answers);
    const Error error = FetchError({runtime.path()});
    CHECK(error.code == code);
    CAPTURE(error.message);
    CHECK(error.message.starts_with("cri: " + runtime.path() + ": "));
    CHECK(error.message.find(why) != std::string::npos);
  };
  const ScriptedRuntime::Answer unknown = Refused("12", "unknown%20service");
  f({unknown, unknown}, ErrorCode::kIo, "enable its CRI plugin");
  f({Refused("16", "who%20are%20you")}, ErrorCode::kDenied, "who are you (gRPC status 16)");
  f({{Http2Answer("", {}, "404")}}, ErrorCode::kParse, "not a gRPC server: HTTP status 404");
  f({{Http2Answer(FrameMessage(""), {})}}, ErrorCode::kParse, "without grpc-status");
  f({{Http2Answer("", {{"grpc-status", "0"}})}}, ErrorCode::kParse, "cut short");
  f({{Http2Answer("\x01\x02\x03\x04\x05\x06", {{"grpc-status", "0"}})}}, ErrorCode::kParse, "compressed");
  f({{Http2Answer(FrameMessage("\xff\xff\xff"), {{"grpc-status", "0"}})}}, ErrorCode::kParse, "malformed answer");
  f({{Http2Answer(std::string(GrpcClient::kMaxReplyBytes + 1, '\0'), {{"grpc-status", "0"}})}}, ErrorCode::kLimit,
    "longer than 16777216 bytes");
}

TEST_CASE("CriSource: cut short at any byte") {
  const std::string answer = Version().bytes;
  for (std::size_t length = 0; length < answer.size(); length += 3) {
    CAPTURE(length);
    const ScriptedRuntime runtime({{answer.substr(0, length), true}});
    CHECK(!FetchError({runtime.path()}).message.empty());
  }
}

// A clock that is far ahead each time it is asked: the time for all calls together is used up before the first.
TEST_CASE("CriSource: no time left") {
  class Racing final : public Clock {
   public:
    [[nodiscard]] std::int64_t NowMs() const override { return 0; }
    [[nodiscard]] std::int64_t SteadyMs() const override { return now_ms_ += CriSource::kTimeoutMs; }

   private:
    mutable std::int64_t now_ms_ = 0;
  };
  const RawSocket socket(4);
  const Racing clock;
  CriSource source({socket.path()}, clock);
  const auto fetched = source.Fetch();
  REQUIRE(!fetched.ok());
  CHECK(fetched.error().code == ErrorCode::kTimeout);
}

TEST_CASE("GrpcClient: an answer of many frames") {
  const std::string message(1'000'000, 'x');
  const ScriptedRuntime runtime({{Http2Answer(FrameMessage(message), {{"grpc-status", "0"}})}});
  const GrpcClient client(runtime.path());
  const auto reply = client.Call("runtime.v1.RuntimeService/ListContainers", "", CriSource::kTimeoutMs);
  REQUIRE(reply.ok());
  CHECK(reply.value().message == message);
}

TEST_CASE("GrpcClient: a server that never answers") {
  const RawSocket socket(4);
  const GrpcClient client(socket.path());
  const auto reply = client.Call("runtime.v1.RuntimeService/Version", "", 50);
  REQUIRE(!reply.ok());
  CHECK(reply.error().code == ErrorCode::kTimeout);
}

}  // namespace
}  // namespace cloudmon::identity
