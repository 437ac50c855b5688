// SPDX-License-Identifier: Apache-2.0
// Sends one document at a time to the aggregator.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace cloudmon::push {

enum class Outcome : std::uint8_t {
  kSent,
  kRefused,  // for good: sending the same again would not help
  kRetry,
};

// By the answer's HTTP status. Pure.
[[nodiscard]] Outcome OutcomeOf(long status);

struct SendResult {
  Outcome outcome = Outcome::kRetry;
  long status = 0;      // 0: no answer
  std::string message;  // not empty unless sent: what went wrong, what the server said, what to check
  std::optional<std::int64_t> retry_after_ms{};  // what the server asks for
};

struct SenderOptions {
  std::string url;  // as ParsePushUrl gives it
  std::string
      token_file;  // its first line is read for each document, so that a token may change; empty: no token is sent
  std::chrono::milliseconds timeout{5000};
};

// One thread at a time, except Wake. Redirects are not followed, proxies of the environment not used; the connection
// is kept. What the server answers is read up to 16 KiB; an answer counts by its status, even where it was cut off.
class Sender {
 public:
  virtual ~Sender() = default;  // abandons what is being sent

  // Begins to POST gzipped JSON, which must stay until the result. REQUIRES: nothing is being sent.
  virtual void Start(std::string_view gzipped) = 0;

  // Works until the result is there, Wake is called or the time is over.
  [[nodiscard]] virtual std::optional<SendResult> Wait(std::chrono::milliseconds at_most) = 0;

  // Ends a Wait, now or the next one. Thread-safe.
  virtual void Wake() = 0;
};

// Throws std::runtime_error when libcurl cannot be loaded or set up, which is a broken installation.
std::unique_ptr<Sender> MakeCurlSender(const SenderOptions& options);

}  // namespace cloudmon::push
