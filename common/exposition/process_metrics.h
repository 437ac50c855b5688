// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

#include "common/exposition/writer.h"
#include "common/process_stats.h"

namespace cloudmon::exposition {

// The metrics process_*, by the names that all Prometheus client libraries use; in the order in which they are written.
[[nodiscard]] std::span<const MetricDef> ProcessMetrics();

// Adds them; what is not known gives no sample.
void WriteProcessMetrics(Writer& writer, const ProcessStats& stats);

}  // namespace cloudmon::exposition
