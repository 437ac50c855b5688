// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "aggregator/remote_write_config.h"
#include "common/config/options.h"
#include "common/result.h"

namespace cloudmon {

// Where the aggregator finds its own process.
inline constexpr const char* kProcfs = "/proc";

// The aggregator's settings with their defaults.
struct AggregatorConfig {
  std::string listen_address = ":8082";
  std::vector<std::string> scrape_targets;
  std::string scrape_file_sd;
  std::vector<std::string> scrape_dns;
  std::string kubernetes_service;
  std::string kubernetes_pod_selector;
  std::string kubernetes_namespace;
  std::string kubernetes_scheme = "http";
  std::string kubernetes_api_url;
  std::string kubernetes_token_file;
  std::string kubernetes_ca_file;
  std::string scrape_shard = "0/1";
  std::string scrape_bearer_token_file;
  std::string scrape_ca_file;
  std::string scrape_server_name;
  bool scrape_insecure_skip_verify = false;
  std::chrono::milliseconds scrape_interval{10'000};
  std::chrono::milliseconds scrape_timeout{5'000};
  std::int64_t scrape_max_body_bytes = 64 << 20;
  std::int64_t scrape_max_samples = 1'000'000;
  std::string storage_path = "./data";
  std::chrono::milliseconds storage_retention{std::chrono::hours{7 * 24}};
  std::int64_t storage_head_points = 2'000'000;
  std::int64_t query_max_points = 2'000'000;
  bool web_rollup_metrics = true;
  std::vector<std::string> web_cors_origins;
  std::string ingest_token_file;
  std::int64_t ingest_max_body_bytes = 4 << 20;
  RemoteWriteConfig remote_write;
};

// The table of all settings, bound to `config`'s fields, which must outlive it.
std::unique_ptr<config::OptionTable> AggregatorOptions(AggregatorConfig& config);
// The same for one of its commands, to be added to. `summary` as OptionTable's.
std::unique_ptr<config::OptionTable> CommandOptions(AggregatorConfig& config, const std::string& command,
                                                    std::string summary);

// Checks what the table cannot: ranges, targets, names and origins that do not parse. Error: kInvalid, naming the
// setting.
Status FinishConfig(AggregatorConfig& config);

// What senders to POST /api/ingest must present.
struct IngestToken {
  std::string text;              // empty: nothing
  bool readable_by_all = false;  // the file's mode lets every user read it
};

// The first line of the file without blanks around it; without a path no token. Errors name ingest.token-file and the
// path: kInvalid where the line is empty, else why the file cannot be read.
Result<IngestToken> ReadIngestToken(const std::string& path);

}  // namespace cloudmon
