// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "common/config/options.h"

namespace cloudmon {

// Where the aggregator finds its own process.
inline constexpr const char* kProcfs = "/proc";

// The aggregator's settings with their defaults.
struct AggregatorConfig {
  std::string listen_address = ":8082";
  std::vector<std::string> scrape_targets;
  std::string scrape_file_sd;
  std::chrono::milliseconds scrape_interval{10'000};
  std::chrono::milliseconds scrape_timeout{5'000};
  std::int64_t scrape_max_body_bytes = 64 << 20;
  std::int64_t scrape_max_samples = 1'000'000;
  std::string storage_path = "./data";
  std::chrono::milliseconds storage_retention{std::chrono::hours{7 * 24}};
  std::int64_t storage_head_points = 2'000'000;
  std::int64_t query_max_points = 2'000'000;
  bool web_rollup_metrics = true;
};

// The table of all settings, bound to `config`'s fields, which must outlive it.
std::unique_ptr<config::OptionTable> AggregatorOptions(AggregatorConfig& config);
// The same for one of its commands, to be added to. `summary` as OptionTable's.
std::unique_ptr<config::OptionTable> CommandOptions(AggregatorConfig& config, const std::string& command,
                                                    std::string summary);

// Checks what the table cannot: ranges, targets that do not parse. Error: kInvalid, naming the setting.
Status FinishConfig(AggregatorConfig& config);

}  // namespace cloudmon
