// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "aggregator/config.h"
#include "common/result.h"

namespace cloudmon {

struct ImportSettings {
  AggregatorConfig aggregator;
  std::string directory;
};

// The table of `import`'s settings, bound to `settings`' fields, which must outlive it.
std::unique_ptr<config::OptionTable> ImportOptions(ImportSettings& settings);

// `cloud-monitor-aggregator import`: puts the files of aggregator/export into a database that no aggregator runs on.
// `argv[0]` is the command's name. What a signal or a kill breaks off goes on when it is run again.
Status RunImport(int argc, const char* const* argv);

}  // namespace cloudmon
