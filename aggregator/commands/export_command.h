// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "aggregator/config.h"
#include "common/result.h"

namespace cloudmon {

struct ExportSettings {
  AggregatorConfig aggregator;
  std::string out, window, start, end;
};

// The table of `export`'s settings, bound to `settings`' fields, which must outlive it.
std::unique_ptr<config::OptionTable> ExportOptions(ExportSettings& settings);

// `cloud-monitor-aggregator export`: writes the four files of aggregator/export from the database, also beside an
// aggregator that runs on it. `argv[0]` is the command's name. A signal ends it, and then no file is changed.
Status RunExport(int argc, const char* const* argv);

}  // namespace cloudmon
