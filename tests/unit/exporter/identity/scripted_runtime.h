// SPDX-License-Identifier: Apache-2.0
// A container runtime for tests: a unix socket that gives prepared answers.
#pragma once

#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "common/file.h"
#include "tests/support/files.h"

namespace cloudmon::test {

// A unix socket in a directory of its own. `backlog` 0: it is bound, but nobody listens.
class RawSocket {
 public:
  explicit RawSocket(int backlog);
  [[nodiscard]] std::string path() const { return dir_.path() + "/cri.sock"; }
  [[nodiscard]] int fd() const { return fd_.get(); }

 private:
  TempDir dir_;
  UniqueFd fd_;
};

// The server's side of an HTTP/2 connection with one call: status, body, trailers (none: the body ends the answer).
std::string Http2Answer(std::string_view body, const std::vector<std::pair<std::string, std::string>>& trailers,
                        std::string_view status = "200");

// Takes one connection for each answer: waits for the whole request, sends the answer, waits until the client closes.
class ScriptedRuntime {
 public:
  struct Answer {
    std::string bytes;
    bool hang_up = false;  // nothing more comes: the client need not wait
  };

  explicit ScriptedRuntime(std::vector<Answer> answers);
  // Connections that did not come are given up.
  ~ScriptedRuntime();
  ScriptedRuntime(const ScriptedRuntime&) = delete;
  ScriptedRuntime& operator=(const ScriptedRuntime&) = delete;
  [[nodiscard]] std::string path() const { return socket_.path(); }

 private:
  RawSocket socket_;
  std::thread server_;
};

}  // namespace cloudmon::test
