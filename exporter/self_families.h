// SPDX-License-Identifier: Apache-2.0
// The exporter's metrics about its identity sources and about pushing, as prometheus-cpp's families. Pure; thread-safe.
#pragma once

#include <prometheus/metric_family.h>

#include <span>
#include <vector>

#include "exporter/identity/resolver.h"
#include "exporter/push/stats.h"

namespace cloudmon {

std::vector<prometheus::MetricFamily> IdentityFamilies(std::span<const identity::SourceStats> stats);

std::vector<prometheus::MetricFamily> PushFamilies(const push::Stats& stats);

}  // namespace cloudmon
