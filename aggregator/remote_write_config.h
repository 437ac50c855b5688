// SPDX-License-Identifier: Apache-2.0
// The settings remote-write.*: where to, and as whom, what is stored is sent.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "common/config/options.h"
#include "common/result.h"

namespace cloudmon {

struct RemoteWriteConfig {
  std::string url;  // empty: off
  std::vector<std::string> external_labels;
  std::string bearer_token_file, username, password_file, ca_file;
  bool insecure_skip_verify = false;
  std::chrono::milliseconds timeout{30'000};
  std::int64_t max_samples_per_send = 10'000;
  bool operator==(const RemoteWriteConfig&) const = default;
};

// Adds them to a table that is bound to `config`.
void AddRemoteWriteOptions(config::OptionTable& table, RemoteWriteConfig& config);

// Checks them and completes the URL. Error: kInvalid, naming the setting.
Status FinishRemoteWrite(RemoteWriteConfig& config);

}  // namespace cloudmon
