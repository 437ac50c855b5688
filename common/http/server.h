// SPDX-License-Identifier: Apache-2.0
// The HTTP server: civetweb behind a Router. No other file sees civetweb.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "common/http/router.h"
#include "common/result.h"

namespace cloudmon::http {

struct ServerOptions {
  std::string listen_address = ":0";  // "HOST:PORT", ":PORT" for all addresses, "[::1]:PORT"; port 0 picks a free one
  int threads = 8;                    // requests handled at once, at least 2; each costs a thread
  int idle_timeout_ms =
      5000;  // a connection on which nothing moves this long is closed; when all threads are taken, the
             // one that has waited longest is closed at once, so idle clients cannot starve others
  std::size_t max_body_bytes = 16U << 20U;  // a longer request body is answered 413
  std::size_t gzip_from_bytes = 1024;       // answers from this size on are compressed where the client accepts gzip
};

// Listens and serves until destroyed; the destructor waits for running handlers, else it is quick. Thread-safe.
// Handlers run on threads with a stack of 100 KiB (fixed in Debian's civetweb): no large arrays or deep recursion.
class Server {
 public:
  // ":PORT" is IPv4 and IPv6 where the machine and the linked civetweb have IPv6 (Debian 12's has not), else IPv4.
  // Errors (kInvalid for a malformed address, kIo for a port in use and the like) name the address and what to change.
  // `router` is copied.
  static Result<std::unique_ptr<Server>> Start(const ServerOptions& options, Router router);
  virtual ~Server() = default;

  [[nodiscard]] virtual std::uint16_t port() const = 0;
};

}  // namespace cloudmon::http
