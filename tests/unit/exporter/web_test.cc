// SPDX-License-Identifier: Apache-2.0
#include "exporter/web.h"

#include <doctest/doctest.h>

#include <string>

#include "exporter/identity/process_probe.h"
#include "tests/support/fake_clock.h"
#include "tests/support/files.h"

using namespace cloudmon;  // NOLINT: a test

TEST_CASE("the exporter's routes") {
  const test::TempDir dir;
  ExporterConfig config;
  config.roots = {.procfs = dir.path(), .cgroup = dir.path(), .rootfs = dir.path(), .podlogs = dir.path()};
  const identity::ProcessProbe probe(dir.path());
  const test::FakeClock clock(0);
  Collector collector(config, {}, probe, clock);
  const http::Router router = BuildExporterRouter(collector);
  const auto get = [&](const std::string& path, const std::string& accept = {}) {
    http::Request request;
    request.method = "GET";
    request.path = path;
    request.headers = {{"Accept", accept}};
    return router.Dispatch(request);
  };
  CHECK(get("/-/healthy").status == 200);
  CHECK(get("/-/ready").status == 200);
  CHECK(get("/nothing").status == 404);

  const http::Response landing = get("/");
  CHECK(landing.content_type == "text/html; charset=utf-8");
  for (const char* path : {"/metrics", "/-/healthy", "/-/ready"}) {
    CHECK(landing.body.find("<a href=\"" + std::string(path) + "\">") != std::string::npos);
  }

  const http::Response text = get("/metrics", "*/*");
  CHECK(text.content_type == "text/plain; version=0.0.4; charset=utf-8");
  CHECK(text.body.find("# TYPE cloudmon_node_info gauge\n") != std::string::npos);
  const http::Response open_metrics = get("/metrics", "application/openmetrics-text;version=1.0.0");
  CHECK(open_metrics.content_type == "application/openmetrics-text; version=1.0.0; charset=utf-8");
  CHECK(open_metrics.body.ends_with("# EOF\n"));
}
