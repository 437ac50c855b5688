// SPDX-License-Identifier: Apache-2.0
// What goes wrong before a runtime answers. Real answers: tests/e2e.
#include "exporter/identity/cri.h"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <thread>

#include "common/clock.h"
#include "common/file.h"
#include "tests/support/fake_clock.h"
#include "tests/support/files.h"

namespace cloudmon::identity {
namespace {

// A unix socket bound in a directory of its own; listening unless told not to.
class Listener {
 public:
  explicit Listener(bool listening = true) : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path().c_str(), path().size());
    REQUIRE(::bind(fd_.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0);
    if (listening) REQUIRE(::listen(fd_.get(), 4) == 0);
  }
  [[nodiscard]] std::string path() const { return dir_.path() + "/cri.sock"; }
  // Accepts one connection, sends `bytes` and closes.
  void Answer(std::string_view bytes) const {
    const UniqueFd peer(::accept(fd_.get(), nullptr, nullptr));
    CHECK(::send(peer.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) >= 0);
    ::shutdown(peer.get(), SHUT_WR);
    std::string rest;
    CHECK(ReadAll(peer.get(), rest).ok());
  }

 private:
  test::TempDir dir_;
  UniqueFd fd_;
};

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
  const Listener listener(false);
  const Error error = FetchError({listener.path()});
  CHECK(error.code == ErrorCode::kIo);
  CHECK(error.message.find(listener.path()) != std::string::npos);
}

TEST_CASE("CriSource: a server that speaks something else") {
  for (const std::string_view bytes : {"", "garbage\n", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"}) {
    CAPTURE(bytes);
    const Listener listener;
    std::thread server([&] { listener.Answer(bytes); });
    const Error error = FetchError({listener.path()});
    server.join();
    CHECK((error.code == ErrorCode::kParse || error.code == ErrorCode::kIo));
    CHECK(error.message.find(listener.path()) != std::string::npos);
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
  const Listener listener;
  const Racing clock;
  CriSource source({listener.path()}, clock);
  const auto fetched = source.Fetch();
  REQUIRE(!fetched.ok());
  CHECK(fetched.error().code == ErrorCode::kTimeout);
}

TEST_CASE("GrpcClient: a server that never answers") {
  const Listener listener;
  GrpcClient client(listener.path());
  const auto reply = client.Call("runtime.v1.RuntimeService/Version", "", 50);
  REQUIRE(!reply.ok());
  CHECK(reply.error().code == ErrorCode::kTimeout);
}

}  // namespace
}  // namespace cloudmon::identity
