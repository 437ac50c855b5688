// SPDX-License-Identifier: Apache-2.0
#include "aggregator/commands/store_options.h"

namespace cloudmon {
namespace {

std::int64_t Seconds(std::chrono::milliseconds value) {
  return std::chrono::duration_cast<std::chrono::seconds>(value).count();
}

}  // namespace

store::StoreOptions StoreOptionsOf(const AggregatorConfig& config) {
  store::StoreOptions options;
  options.path = config.storage_path;
  options.interval_seconds = Seconds(config.scrape_interval);
  options.retention_seconds = Seconds(config.storage_retention);
  options.head_points = static_cast<std::size_t>(config.storage_head_points);
  return options;
}

}  // namespace cloudmon
