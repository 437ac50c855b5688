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
  // Requests handled at once, at least 2. A thread costs 16 KiB, and more after big answers unless mallopt(3) bounds
  // M_ARENA_MAX. With 200 silent clients holding connections a new one waits 0.5 s at 4 threads, 0.13 s at 16.
  int threads = 8;
  // A connection on which nothing moves this long is closed. When all threads are taken, those that have waited longest
  // are closed at once, so that idle clients do not starve others.
  int idle_timeout_ms = 5000;
  std::size_t max_body_bytes = 16U << 20U;  // a longer request body is answered 413
  std::size_t gzip_from_bytes = 1024;       // answers from this size on are compressed where the client accepts gzip
};

// Listens and serves until destroyed; the destructor waits for running handlers, else it is quick: streams
// and answers that nobody takes are cut. Thread-safe.
// Handlers run on threads with a stack of 100 KiB (fixed in Debian's civetweb; thread_local data counts): no
// large arrays, no deep recursion.
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
