// SPDX-License-Identifier: Apache-2.0
// The scrape loop: discovers, fetches on the grid, reads, buckets, seals, hands on. One thread of its own.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "aggregator/discovery/discovery.h"
#include "aggregator/scrape/fetcher.h"
#include "aggregator/scrape/status.h"
#include "aggregator/series/bucketer.h"
#include "aggregator/series/reading.h"
#include "common/clock.h"
#include "common/result.h"

namespace cloudmon::scrape {

struct LoopOptions {
  std::int64_t interval_seconds = 10;
  std::chrono::milliseconds timeout{5000};  // lowered to the interval
  std::size_t max_body_bytes = 64U << 20U;  // of one target, after decompression
  std::size_t max_samples = 1'000'000;      // of one target
  std::size_t max_connections = 256;        // open at once
  FetchAccess access;
  discovery::Shard shard;  // of the targets found; pushes are taken in any
};

// A document that a node sent: POST /api/ingest.
struct PushedReading {
  std::int64_t measured_at_ms = 0;  // Unix time, from the document; decides the bucket
  std::string from;                 // the sender's address, for messages
  std::size_t body_bytes = 0;
  series::TargetReading reading;  // `node` is set
};

// Each target is scraped once an interval, at an offset within it that is a hash of its url; the scrape belongs to the
// bucket of its planned tick. Buckets are sealed in order: see loop.cc. Thread-safe.
class Loop {
 public:
  using Sealed = std::function<void(series::Bucket)>;
  // Changes buckets that were sealed before, or never (gaps): `change` is called once for each, in ascending time, with
  // its entries. After an error, but kInvalid, it is tried again.
  using Amend = std::function<Status(const std::vector<std::int64_t>& buckets_seconds,
                                     const std::function<void(series::Bucket&)>& change)>;

  // Starts the thread. `bucketer` has been restored by the caller. `sealed` and `amend` are called from the loop's
  // thread.
  static std::unique_ptr<Loop> Start(LoopOptions options, const Clock& clock, discovery::Discoveries discoveries,
                                     std::unique_ptr<series::Bucketer> bucketer, Sealed sealed, Amend amend);
  virtual ~Loop() = default;  // stops within a second, abandoning scrapes in flight, but amends all that waits

  // Takes a reading that was pushed: into its bucket while that is open, where it replaces what the node pushed for it
  // before; else it changes the sealed bucket, within about two seconds. Errors: kDenied where another source (a scrape
  // target) reports the node; the message says which and what to change. kLimit where too many nodes push.
  virtual Status Push(PushedReading pushed) = 0;

  [[nodiscard]] virtual std::vector<TargetStatus> Targets() const = 0;
  [[nodiscard]] virtual LoopStats Stats() const = 0;

  // Replaces all options but the interval, and the discoveries (reload); taken up at once, and all are asked again.
  virtual void Reload(LoopOptions options, discovery::Discoveries discoveries) = 0;
};

}  // namespace cloudmon::scrape
