// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "aggregator/config.h"
#include "common/result.h"

namespace cloudmon {

// Parses and checks a command's settings, `config` among them, sets the log up and holds signals back. False: there is
// nothing left to do (--help, --version, --check-config).
Result<bool> Prepare(config::OptionTable& table, AggregatorConfig& config, int argc, const char* const* argv);

}  // namespace cloudmon
