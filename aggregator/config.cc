// SPDX-License-Identifier: Apache-2.0
#include "aggregator/config.h"

#include <sys/stat.h>

#include <algorithm>
#include <utility>

#include "aggregator/discovery/dns_name.h"
#include "aggregator/discovery/shard.h"
#include "aggregator/discovery/static_list.h"
#include "common/text.h"
#include "common/token_file.h"

namespace cloudmon {
namespace {

using std::chrono::milliseconds;

Status InRange(std::string_view name, milliseconds value, milliseconds least, milliseconds most) {
  if (value >= least && value <= most) return Status::Ok();
  return Error{ErrorCode::kInvalid, std::string(name) + ": expected " + config::FormatDuration(least) + " to " +
                                        config::FormatDuration(most) + ", got " + config::FormatDuration(value)};
}

Status AtLeast(std::string_view name, std::int64_t value, std::int64_t least) {
  if (value >= least) return Status::Ok();
  return Error{ErrorCode::kInvalid,
               std::string(name) + ": expected at least " + std::to_string(least) + ", got " + std::to_string(value)};
}

bool IsPort(std::string_view text) {
  const auto port = text::ParseU64(text);
  return port.ok() && port.value() >= 1 && port.value() <= 65535;
}

// scheme://host[:port], as a browser's Origin header says it; the host may be an IPv6 address in brackets.
bool IsOrigin(std::string_view text) {
  const std::size_t slashes = text.find("://");
  if (slashes == 0 || slashes == std::string_view::npos) return false;
  if (text.substr(0, slashes).find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789+-.") != text.npos) return false;
  const std::string_view host = text.substr(slashes + 3);
  if (host.find_first_of("/?#@* \t\"'\\") != std::string_view::npos) return false;
  const std::size_t end = host.starts_with('[') ? host.find(']') + 1 : std::min(host.find(':'), host.size());
  return end > 0 && (end == host.size() || (host[end] == ':' && IsPort(host.substr(end + 1))));
}

Status CheckOrigins(const std::vector<std::string>& origins) {
  for (const std::string& origin : origins) {
    if (origin == "*" || IsOrigin(origin)) continue;
    return Error{ErrorCode::kInvalid,
                 "web.cors-origins: expected '*' or scheme://host[:port] without a path, got '" + origin + "'"};
  }
  return Status::Ok();
}

bool IsDnsLabel(std::string_view text) {
  return !text.empty() && text.size() <= 63 && text.front() != '-' && text.back() != '-' &&
         text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string_view::npos;
}

bool IsServerName(std::string_view text) {
  return text.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._") == text.npos;
}

Error Expected(std::string_view name, std::string_view expected, const std::string& got) {
  return Error{ErrorCode::kInvalid, std::string(name) + ": expected " + std::string(expected) + ", got '" + got + "'"};
}

// Splits "NAMESPACE/NAME".
Status SplitService(AggregatorConfig& c) {
  const std::string given = c.kubernetes_service;
  const std::size_t slash = given.find('/');
  if (slash != std::string::npos) {
    const std::string ns = given.substr(0, slash);
    if (!c.kubernetes_namespace.empty() && c.kubernetes_namespace != ns) {
      return Expected("scrape.kubernetes.namespace", "'" + ns + "', as in scrape.kubernetes.service",
                      c.kubernetes_namespace);
    }
    c.kubernetes_namespace = ns;
    c.kubernetes_service = given.substr(slash + 1);
  }
  const bool has_good_namespace = slash == std::string::npos || IsDnsLabel(c.kubernetes_namespace);
  if (given.empty() || (has_good_namespace && IsDnsLabel(c.kubernetes_service))) return Status::Ok();
  return Expected("scrape.kubernetes.service", "NAME or NAMESPACE/NAME", given);
}

Status FinishKubernetes(AggregatorConfig& c) {
  if (!c.kubernetes_service.empty() && !c.kubernetes_pod_selector.empty()) {
    return Error{ErrorCode::kInvalid,
                 "scrape.kubernetes.service and scrape.kubernetes.pod-selector: expected one of them, got both"};
  }
  if (const Status split = SplitService(c); !split.ok()) return split;
  if (!c.kubernetes_namespace.empty() && !IsDnsLabel(c.kubernetes_namespace)) {
    return Expected("scrape.kubernetes.namespace", "a namespace's name", c.kubernetes_namespace);
  }
  if (c.kubernetes_scheme != "http" && c.kubernetes_scheme != "https") {
    return Expected("scrape.kubernetes.scheme", "http or https", c.kubernetes_scheme);
  }
  const bool is_url = c.kubernetes_api_url.starts_with("https://") || c.kubernetes_api_url.starts_with("http://");
  if (!c.kubernetes_api_url.empty() && !is_url) {
    return Expected("scrape.kubernetes.api-url", "https://HOST:PORT", c.kubernetes_api_url);
  }
  return Status::Ok();
}

Status CheckTargets(const AggregatorConfig& c) {
  if (auto targets = discovery::MakeStaticList(c.scrape_targets); !targets.ok()) {
    return Wrap(targets.error(), "scrape.targets");
  }
  for (const std::string& text : c.scrape_dns) {
    if (const auto name = discovery::ParseDnsName(text); !name.ok()) return Wrap(name.error(), "scrape.dns");
  }
  if (const auto shard = discovery::ParseShard(c.scrape_shard); !shard.ok()) {
    return Wrap(shard.error(), "scrape.shard");
  }
  if (!IsServerName(c.scrape_server_name)) return Expected("scrape.server-name", "a host's name", c.scrape_server_name);
  return Status::Ok();
}

std::unique_ptr<config::OptionTable> NewTable(AggregatorConfig& c, std::string program, std::string summary) {
  auto table = std::make_unique<config::OptionTable>(std::move(program), std::move(summary));
  table->Add({"web.listen-address", "Address to serve the API on; port 0 picks a free one and logs it.",
              &c.listen_address, "", "HOST:PORT"});
  table->Add({"web.rollup-metrics", "Show namespaces, deployments, nodes and the cluster on /metrics too.",
              &c.web_rollup_metrics, "", ""});
  table->Add({"web.cors-origins",
              "Origins whose pages may read the API from a browser, such as https://grafana.example; * is any.",
              &c.web_cors_origins, "", "ORIGIN,..."});
  table->Add({"scrape.targets", "Exporters to scrape.", &c.scrape_targets, "", "HOST:PORT,..."});
  table->Add({"scrape.file-sd",
              "File or glob of files that list targets in Prometheus' file_sd format (JSON or YAML), read "
              "again when changed; the label node names a target's node.",
              &c.scrape_file_sd, "", "PATH"});
  table->Add(
      {"scrape.dns",
       "Names to look up each interval: NAME:PORT, each address being a target, or with an underscore the name of "
       "SRV records, such as _metrics._tcp.exporters.monitoring.svc.",
       &c.scrape_dns, "", "NAME:PORT,..."});
  table->Add({"scrape.kubernetes.service",
              "Service whose endpoints are scraped, at their port named metrics; watched through the API, which also "
              "names their nodes.",
              &c.kubernetes_service, "", "[NAMESPACE/]NAME"});
  table->Add({"scrape.kubernetes.pod-selector", "Instead of a Service: labels of the pods to scrape.",
              &c.kubernetes_pod_selector, "", "LABEL=VALUE,..."});
  table->Add({"scrape.kubernetes.namespace", "Namespace of the Service or the pods; the aggregator's own when empty.",
              &c.kubernetes_namespace, "", "NAMESPACE"});
  table->Add({"scrape.kubernetes.scheme", "http or https, to scrape what Kubernetes names.", &c.kubernetes_scheme, "",
              "SCHEME"});
  table->Add({"scrape.kubernetes.api-url", "The API server; when empty the one of the cluster that this runs in.",
              &c.kubernetes_api_url, "", "URL"});
  table->Add({"scrape.kubernetes.token-file", "Token for the API server; the service account's when empty.",
              &c.kubernetes_token_file, "", "FILE"});
  table->Add({"scrape.kubernetes.ca-file",
              "Authorities that sign the API server's certificate; the cluster's when empty.", &c.kubernetes_ca_file,
              "", "FILE"});
  table->Add({"scrape.shard",
              "Scrape only part I (from 0) of N of the targets found, by a hash of their URLs; for several aggregators "
              "with the same targets.",
              &c.scrape_shard, "", "I/N"});
  table->Add({"scrape.bearer-token-file",
              "File whose first line is the token for targets with https, read for each scrape.",
              &c.scrape_bearer_token_file, "", "FILE"});
  table->Add({"scrape.ca-file",
              "Authorities that sign the certificates of targets with https; the system's when empty.",
              &c.scrape_ca_file, "", "FILE"});
  table->Add(
      {"scrape.server-name",
       "Name that certificates of targets with https must be for; the host in the target's URL when empty, which "
       "for pods is an IP address.",
       &c.scrape_server_name, "", "NAME"});
  table->Add({"scrape.insecure-skip-verify", "Do not check the certificates of targets with https.",
              &c.scrape_insecure_skip_verify, "", ""});
  table->Add({"scrape.interval",
              "Time between two scrapes of a target and the width of a bucket, 1s to 5m, whole seconds.",
              &c.scrape_interval, "", ""});
  table->Add({"scrape.timeout", "Time a target has to answer; at most the interval.", &c.scrape_timeout, "", ""});
  table->Add({"scrape.max-body-bytes", "A target's longer answer is refused.", &c.scrape_max_body_bytes, "", ""});
  table->Add({"scrape.max-samples", "A target's answer with more samples is refused.", &c.scrape_max_samples, "", ""});
  table->Add({"storage.path", "Directory of the database; made if missing.", &c.storage_path, "", "DIR"});
  table->Add({"storage.retention", "How long buckets are kept, at least 1h; deleted by the hour.", &c.storage_retention,
              "", ""});
  table->Add({"storage.head-points",
              "Points (members times buckets) in memory at most: a few minutes, more only while the database fails.",
              &c.storage_head_points, "", ""});
  table->Add({"query.max-points", "Queries that would read more points are refused.", &c.query_max_points, "", ""});
  table->Add({"ingest.token-file",
              "File whose first line is the token that senders to /api/ingest must present; without it anyone may "
              "send. Read again on reload.",
              &c.ingest_token_file, "", "FILE"});
  table->Add({"ingest.max-body-bytes", "A longer pushed document is refused.", &c.ingest_max_body_bytes, "", ""});
  AddRemoteWriteOptions(*table, c.remote_write);
  return table;
}

}  // namespace

std::unique_ptr<config::OptionTable> AggregatorOptions(AggregatorConfig& c) {
  auto table = NewTable(c, "cloud-monitor-aggregator",
                        "Scrapes cloud-monitor exporters (or any page with cAdvisor's names), keeps a time series of "
                        "nodes, pods, namespaces and deployments, and serves it as JSON under /api.");
  table->SetEpilogue(
      "\nCommands (each with --help):\n"
      "  cloud-monitor-aggregator export --out=DIR   writes what is stored to JSON files\n"
      "  cloud-monitor-aggregator import DIR         stores what such files hold\n");
  return table;
}

std::unique_ptr<config::OptionTable> CommandOptions(AggregatorConfig& c, const std::string& command,
                                                    std::string summary) {
  return NewTable(c, "cloud-monitor-aggregator " + command, std::move(summary));
}

Status FinishConfig(AggregatorConfig& c) {
  using std::chrono::hours;
  using std::chrono::minutes;
  using std::chrono::seconds;
  if (c.scrape_interval % seconds{1} != milliseconds{0}) {
    return Error{ErrorCode::kInvalid,
                 "scrape.interval: expected whole seconds, got " + config::FormatDuration(c.scrape_interval)};
  }
  for (const Status& check :
       {InRange("scrape.interval", c.scrape_interval, seconds{1}, minutes{5}),
        InRange("scrape.timeout", c.scrape_timeout, milliseconds{10}, minutes{5}),
        InRange("storage.retention", c.storage_retention, hours{1}, hours{24 * 3660}),
        AtLeast("scrape.max-body-bytes", c.scrape_max_body_bytes, 1024),
        AtLeast("scrape.max-samples", c.scrape_max_samples, 1),
        AtLeast("storage.head-points", c.storage_head_points, 1000),
        AtLeast("query.max-points", c.query_max_points, 1000),
        AtLeast("ingest.max-body-bytes", c.ingest_max_body_bytes, 1024), CheckOrigins(c.web_cors_origins)}) {
    if (!check.ok()) return check;
  }
  c.scrape_timeout = std::min(c.scrape_timeout, c.scrape_interval);
  if (const Status targets = CheckTargets(c); !targets.ok()) return targets;
  if (const Status remote_write = FinishRemoteWrite(c.remote_write); !remote_write.ok()) return remote_write;
  return FinishKubernetes(c);
}

Result<IngestToken> ReadIngestToken(const std::string& path) {
  IngestToken token;
  if (path.empty()) return token;
  auto text = ReadTokenFile(path);
  if (!text.ok()) return Wrap(text.error(), "ingest.token-file");
  token.text = std::move(text).value();
  struct stat status {};
  token.readable_by_all = ::stat(path.c_str(), &status) == 0 && (status.st_mode & S_IROTH) != 0;
  return token;
}

}  // namespace cloudmon
