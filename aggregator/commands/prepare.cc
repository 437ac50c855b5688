// SPDX-License-Identifier: Apache-2.0
#include "aggregator/commands/prepare.h"

#include <cstdio>

#include "common/log.h"
#include "common/signals.h"

namespace cloudmon {

Result<bool> Prepare(config::OptionTable& table, AggregatorConfig& config, int argc, const char* const* argv) {
  const auto action = table.Parse(argc, argv);
  if (!action.ok()) return action.error();
  if (action.value() == config::Action::kExit) return false;
  if (const Status finished = FinishConfig(config); !finished.ok()) return finished.error();
  if (const Status log = InitLog(table.log_level()); !log.ok()) return log.error();
  if (table.check_config()) {
    std::puts("the configuration is good");
    return false;
  }
  HoldSignals();
  return true;
}

}  // namespace cloudmon
