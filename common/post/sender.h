// SPDX-License-Identifier: Apache-2.0
// Sends one body at a time to a server.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/post/send_error.h"

namespace cloudmon {
struct Libcurl;
}

namespace cloudmon::post {

enum class Outcome : std::uint8_t {
  kSent,
  kRefused,  // for good: sending the same again would not help
  kRetry,
};

// By the answer's HTTP status: 4xx is for good, but for `retried`. Pure.
[[nodiscard]] Outcome OutcomeOf(long status, const std::vector<long>& retried);

struct SendResult {
  Outcome outcome = Outcome::kRetry;
  long status = 0;      // 0: no answer
  std::string message;  // not empty unless sent: what went wrong, what the server said, what to check
  std::optional<std::int64_t> retry_after_ms{};  // what the server asks for
};

struct SenderOptions {
  std::string url;                   // as ParseUrl() gives it
  std::vector<std::string> headers;  // "Content-Type: application/json"
  std::vector<long> retried;         // statuses of 4xx that are not for good
  Names names;                       // of what lives as long as the program
  // Either a bearer token, or a user name and a password, or neither. Files are read for each body, so that they may
  // change; their first line counts.
  std::string token_file;
  std::string username, password_file;
  std::string ca_file;  // empty: the system's
  bool verify_tls = true;
  std::chrono::milliseconds timeout{5000};
};

// One thread at a time, except Wake. Redirects are not followed, proxies of the environment not used; the connection
// is kept. What the server answers is read up to 16 KiB; an answer counts by its status, even where it was cut off.
class Sender {
 public:
  virtual ~Sender() = default;  // abandons what is being sent

  // Begins to POST the body, which must stay until the result, also where that is only that memory lacks. REQUIRES:
  // nothing is being sent.
  virtual void Start(std::string_view body) = 0;

  // Works until the result is there, Wake is called or the time is over.
  [[nodiscard]] virtual std::optional<SendResult> Wait(std::chrono::milliseconds at_most) = 0;

  // Ends a Wait, now or the next one. Thread-safe.
  virtual void Wake() = 0;
};

// Throws std::runtime_error when libcurl cannot be loaded or set up, which is a broken installation.
std::unique_ptr<Sender> MakeCurlSender(const SenderOptions& options);

// The same with these functions, which must outlive it: libcurl's, or some that fail, for tests.
std::unique_ptr<Sender> MakeSenderOn(const Libcurl& curl, const SenderOptions& options);

}  // namespace cloudmon::post
