// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "aggregator/config.h"
#include "aggregator/remote_write/ship_stats.h"
#include "aggregator/remote_write/shipper.h"
#include "aggregator/store/store.h"
#include "common/clock.h"

namespace cloudmon {

// remote_write as the settings have it, on or off. Thread-safe.
class RemoteWriter {
 public:
  // Both must outlive it.
  RemoteWriter(const store::Store& store, const Clock& clock) : store_(store), clock_(clock) {}

  // Takes up settings that have been checked (start, reload). Where they turn it off, what is ready is sent first, for
  // two seconds at most.
  void Set(const AggregatorConfig& config);

  // After a bucket was appended to the store, or some were amended. Does not wait for anything.
  void Appended(std::int64_t time_seconds);
  void Amended(const std::vector<std::int64_t>& times_seconds);

  // Nullopt where it is off.
  [[nodiscard]] std::optional<remote_write::ShipStats> Stats() const;

 private:
  const store::Store& store_;
  const Clock& clock_;
  mutable std::mutex mu_;
  std::unique_ptr<remote_write::Shipper> shipper_;  // guarded by mu_; null: off
};

}  // namespace cloudmon
