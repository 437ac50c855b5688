// SPDX-License-Identifier: Apache-2.0
// Fetches pages over HTTP, many at once, on the caller's thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "common/clock.h"
#include "common/exposition/format.h"
#include "common/result.h"

namespace cloudmon::scrape {

struct FetchLimits {
  std::chrono::milliseconds timeout{5000};  // from Start to the last byte, waiting for a free connection included
  std::size_t max_body_bytes = 64U << 20U;  // after decompression
  std::size_t max_connections = 256;        // open at once
};

// Who we are to targets with https, and which of them we believe.
struct FetchAccess {
  std::string
      bearer_token_file;         // read for each request, as tokens are renewed; empty: no token. Never sent over http.
  std::string ca_file;           // PEM of who signs the targets' certificates; empty: the system's authorities
  std::string server_name = {};  // that the certificates must be for, and that is asked for; empty: the URL's host
  bool verify_tls = true;        // false: certificates are not checked

  bool operator==(const FetchAccess&) const = default;
};

struct Page {
  std::string body;
  exposition::Format format = exposition::Format::kText;
};

struct Fetched {
  std::uint64_t id = 0;      // as given to Start
  std::int64_t sent_ms = 0;  // Unix time when the request was sent, connecting done; of Start where it never was
  double duration_seconds = 0;
  Result<Page> page;  // errors: kTimeout, kLimit (naming the setting), kIo; short, saying what to do
};

// One thread at a time, except Wake.
class Fetcher {
 public:
  // The page is the callee's for the call only: its memory is used again.
  using Done = std::function<void(const Fetched&)>;

  virtual ~Fetcher() = default;  // abandons what is in flight

  // For requests that start from now on.
  virtual void SetLimits(const FetchLimits& limits) = 0;
  virtual void SetAccess(const FetchAccess& access) = 0;

  // Begins a GET. Its `Fetched` comes from a later Wait, within the timeout and at most once.
  virtual void Start(std::uint64_t id, const std::string& url) = 0;

  // Works on the transfers until one is done, Wake is called or the time is over. `done` may call Start.
  virtual void Wait(std::chrono::milliseconds at_most, const Done& done) = 0;

  // Ends a Wait, now or the next one. Thread-safe.
  virtual void Wake() = 0;
};

// Redirects are not followed, proxies of the environment not used; connections are kept and used again; gzip is
// accepted. Throws std::runtime_error when libcurl cannot be set up, which is a broken installation. `clock` must
// outlive it.
std::unique_ptr<Fetcher> MakeCurlFetcher(const FetchLimits& limits, const Clock& clock);

}  // namespace cloudmon::scrape
