// SPDX-License-Identifier: Apache-2.0
// One GET after the other to a Kubernetes API server, over libcurl; the connection stays open between them.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "common/kube/api.h"
#include "common/result.h"

namespace cloudmon::kube {

class Client {
 public:
  // Takes the next piece of the body of an answer with status 200; before the first, an empty one as soon as the head
  // is there. An error ends the request, with that error.
  using TakeBytes = std::function<Status(std::string_view bytes)>;

  // Error: kNotFound where libcurl cannot be loaded.
  static Result<std::unique_ptr<Client>> Make(Api api);
  virtual ~Client() = default;

  // Waits for the whole answer, at most `timeout`. The token is read anew. Errors, naming the URL's server and path and
  // what to change: those of `take`; AnswerError() for another status than 200; kTimeout; kDenied or kNotFound for the
  // token's file; kIo; kGone after Cancel(). One thread at a time.
  virtual Status Get(const std::string& path, std::chrono::milliseconds timeout, const TakeBytes& take) = 0;

  // Ends the request that runs and all later ones. Thread-safe.
  virtual void Cancel() = 0;
};

}  // namespace cloudmon::kube
