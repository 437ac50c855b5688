// SPDX-License-Identifier: Apache-2.0
#include "aggregator/config.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <string>
#include <string_view>

#include "tests/support/files.h"

using namespace cloudmon;

namespace {

// Loads one flag into `config` as the program does.
Status Load(AggregatorConfig& config, const std::string& flag) {
  const auto table = AggregatorOptions(config);
  const char* argv[] = {"program", flag.c_str()};
  if (const auto action = table->Parse(2, argv); !action.ok()) return action.error();
  return FinishConfig(config);
}

void Refused(const std::string& flag, std::string_view message) {
  AggregatorConfig config;
  const Status status = Load(config, flag);
  CAPTURE(flag);
  REQUIRE(!status.ok());
  CHECK(status.error().code == ErrorCode::kInvalid);
  CHECK(status.error().message == message);
}

}  // namespace

TEST_CASE("the defaults are good, and keep browsers and big documents out") {
  AggregatorConfig config;
  REQUIRE(Load(config, "--scrape.targets=").ok());
  CHECK(config.web_cors_origins.empty());
  CHECK(config.ingest_token_file.empty());
  CHECK(config.ingest_max_body_bytes == 4'194'304);
}

TEST_CASE("ingest.max-body-bytes") {
  AggregatorConfig config;
  REQUIRE(Load(config, "--ingest.max-body-bytes=1024").ok());
  CHECK(config.ingest_max_body_bytes == 1024);
  Refused("--ingest.max-body-bytes=1023", "ingest.max-body-bytes: expected at least 1024, got 1023");
  Refused("--ingest.max-body-bytes=-1", "ingest.max-body-bytes: expected at least 1024, got -1");
}

TEST_CASE("scrape.dns and scrape.shard") {
  AggregatorConfig config;
  REQUIRE(Load(config, "--scrape.dns=exporters:9780,_metrics._tcp.exporters").ok());
  CHECK(config.scrape_dns.size() == 2);
  Refused("--scrape.dns=exporters:9780,exporters",
          "scrape.dns: expected name:port, or a SRV name such as _metrics._tcp.name without a port, got 'exporters'");
  REQUIRE(Load(config, "--scrape.shard=1/2").ok());
  Refused("--scrape.shard=2/2",
          "scrape.shard: expected I/N, the shard from 0 and how many there are (at most 1000), such as 0/3, got '2/2'");
}

TEST_CASE("scrape.server-name") {
  AggregatorConfig config;
  REQUIRE(Load(config, "--scrape.server-name=exporters.monitoring.svc").ok());
  Refused("--scrape.server-name=exporters:9780", "scrape.server-name: expected a host's name, got 'exporters:9780'");
}

TEST_CASE("scrape.kubernetes") {
  AggregatorConfig config;
  REQUIRE(Load(config, "--scrape.kubernetes.service=monitoring/exporters").ok());
  CHECK(config.kubernetes_namespace == "monitoring");
  CHECK(config.kubernetes_service == "exporters");
  config = {};
  config.kubernetes_namespace = "monitoring";
  REQUIRE(Load(config, "--scrape.kubernetes.service=exporters").ok());
  CHECK(config.kubernetes_namespace == "monitoring");
  REQUIRE(Load(config, "--scrape.kubernetes.service=monitoring/exporters").ok());
  CHECK(Load(config, "--scrape.kubernetes.service=elsewhere/exporters").error().message ==
        "scrape.kubernetes.namespace: expected 'elsewhere', as in scrape.kubernetes.service, got 'monitoring'");
  config = {};
  config.kubernetes_service = "exporters";
  CHECK(Load(config, "--scrape.kubernetes.pod-selector=app=x").error().message ==
        "scrape.kubernetes.service and scrape.kubernetes.pod-selector: expected one of them, got both");
  for (const std::string bad : {"/", "/exporters", "monitoring/", "a/b/c", "Exporters", "ex porters", "-x", "x-", "a/B",
                                "a?b", "exporters.monitoring"}) {
    Refused("--scrape.kubernetes.service=" + bad,
            "scrape.kubernetes.service: expected NAME or NAMESPACE/NAME, got '" + bad + "'");
  }
  Refused("--scrape.kubernetes.service=" + std::string(64, 'x'),
          "scrape.kubernetes.service: expected NAME or NAMESPACE/NAME, got '" + std::string(64, 'x') + "'");
  Refused("--scrape.kubernetes.namespace=a/b", "scrape.kubernetes.namespace: expected a namespace's name, got 'a/b'");
  Refused("--scrape.kubernetes.scheme=ftp", "scrape.kubernetes.scheme: expected http or https, got 'ftp'");
  Refused("--scrape.kubernetes.api-url=10.96.0.1:443",
          "scrape.kubernetes.api-url: expected https://HOST:PORT, got '10.96.0.1:443'");
}

TEST_CASE("web.cors-origins") {
  AggregatorConfig config;
  REQUIRE(Load(config,
               "--web.cors-origins=*,https://grafana.example,http://localhost:3000,http://10.0.0.7:1,"
               "https://[2001:db8::1],http://[::1]:65535,chrome-extension://abc")
              .ok());
  CHECK(config.web_cors_origins.size() == 7);
  for (std::string_view bad : {"grafana.example",
                               "https://",
                               "://host",
                               "https://host/",
                               "https://host/path",
                               "https://host?x",
                               "https://user@host",
                               "https://*.example",
                               "https://host:",
                               "https://host:0",
                               "https://host:65536",
                               "https://host:x",
                               "https://a:1:2",
                               "https://[::1",
                               "https://[::1]x",
                               "https://[::1]:",
                               "https://:80",
                               "HTTPS://host",
                               "ht tp://host",
                               "https://ho st",
                               "null",
                               "**"}) {
    const std::string origin(bad);
    Refused("--web.cors-origins=http://good," + origin,
            "web.cors-origins: expected '*' or scheme://host[:port] without a path, got '" + origin + "'");
  }
}

TEST_CASE("the token is the first line of its file, trimmed") {
  const test::TempDir directory;
  for (std::string_view content : {"s3cret", "s3cret\n", "  s3cret \t\r\nsecond line\n"}) {
    const auto token = ReadIngestToken(directory.Write("token", content));
    REQUIRE(token.ok());
    CHECK(token.value().text == "s3cret");
  }
  const auto none = ReadIngestToken("");
  REQUIRE(none.ok());
  CHECK(none.value().text.empty());
  CHECK(!none.value().readable_by_all);
}

TEST_CASE("a token file without a token is refused") {
  const test::TempDir directory;
  for (std::string_view content : {"", "\n", " \t\n", "\nsecond line\n"}) {
    const std::string path = directory.Write("token", content);
    const auto token = ReadIngestToken(path);
    REQUIRE(!token.ok());
    CHECK(token.error().message == "ingest.token-file: " + path + ": expected a token in the first line");
  }
  for (const std::string& path : {directory.path() + "/none", directory.path()}) {
    const auto token = ReadIngestToken(path);
    REQUIRE(!token.ok());
    CHECK(token.error().message.starts_with("ingest.token-file: " + path + ": "));
  }
  CHECK(!ReadIngestToken(directory.Write("token", std::string(100'000, 'x'))).ok());
}

TEST_CASE("a token file that every user can read is noticed") {
  const test::TempDir directory;
  const std::string path = directory.Write("token", "s3cret\n");
  auto readable = [&](::mode_t mode) {
    REQUIRE(::chmod(path.c_str(), mode) == 0);
    return ReadIngestToken(path).value().readable_by_all;
  };
  CHECK(readable(0644));
  CHECK(!readable(0640));
  CHECK(!readable(0600));
}
