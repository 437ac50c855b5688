// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "common/http/router.h"
#include "exporter/collector.h"

namespace cloudmon {

// The exporter's routes: /metrics, /, /-/healthy, /-/ready. `collector` must outlive the router.
[[nodiscard]] http::Router BuildExporterRouter(Collector& collector);

}  // namespace cloudmon
