// SPDX-License-Identifier: Apache-2.0
#include "aggregator/remote_write_config.h"

#include <utility>

#include "aggregator/remote_write/labels.h"
#include "common/post/url.h"

namespace cloudmon {
namespace {

Error Invalid(std::string message) {
  return {ErrorCode::kInvalid, std::move(message)};
}

Status CheckCredentials(const RemoteWriteConfig& c) {
  if (!c.bearer_token_file.empty() && !c.username.empty()) {
    return Invalid("remote-write.bearer-token-file and remote-write.username: expected one of them, got both");
  }
  if (c.username.empty() != c.password_file.empty()) {
    return Invalid("remote-write.username and remote-write.password-file: expected both or neither");
  }
  if (c.username.find(':') != std::string::npos) return Invalid("remote-write.username: expected a name without ':'");
  return Status::Ok();
}

Status CheckNumbers(const RemoteWriteConfig& c) {
  using std::chrono::minutes;
  using std::chrono::seconds;
  if (c.timeout < seconds{1} || c.timeout > minutes{5}) {
    return Invalid("remote-write.timeout: expected 1s to 5m, got " + config::FormatDuration(c.timeout));
  }
  if (c.max_samples_per_send < 100 || c.max_samples_per_send > 1'000'000) {
    return Invalid("remote-write.max-samples-per-send: expected 100 to 1000000, got " +
                   std::to_string(c.max_samples_per_send));
  }
  return Status::Ok();
}

}  // namespace

void AddRemoteWriteOptions(config::OptionTable& table, RemoteWriteConfig& c) {
  table.Add({"remote-write.url",
             "Receiver of Prometheus' remote write protocol (Prometheus, VictoriaMetrics, Mimir ...) to send every "
             "bucket to; empty is off. Without a path, /api/v1/write.",
             &c.url, "", "URL"});
  table.Add({"remote-write.external-labels",
             "Labels added to every series that is sent, such as cluster=eu-1,replica=a; they do not replace its own.",
             &c.external_labels, "", "NAME=VALUE,..."});
  table.Add({"remote-write.bearer-token-file",
             "File whose first line is the token that the receiver asks for; read again for each request.",
             &c.bearer_token_file, "", "FILE"});
  table.Add({"remote-write.username", "Instead of a token: name for basic authentication.", &c.username, "", "NAME"});
  table.Add({"remote-write.password-file", "File whose first line is its password; read again for each request.",
             &c.password_file, "", "FILE"});
  table.Add({"remote-write.ca-file", "Authorities that sign the receiver's certificate; the system's when empty.",
             &c.ca_file, "", "FILE"});
  table.Add({"remote-write.insecure-skip-verify", "Do not check the receiver's certificate.", &c.insecure_skip_verify,
             "", ""});
  table.Add({"remote-write.timeout", "Time the receiver has to answer a request, 1s to 5m.", &c.timeout, "", ""});
  table.Add({"remote-write.max-samples-per-send",
             "A bucket with more samples is sent in several requests; 10000 samples are about 2 MB, packed a tenth of "
             "it.",
             &c.max_samples_per_send, "", ""});
}

Status FinishRemoteWrite(RemoteWriteConfig& c) {
  if (c.url.empty()) {
    if (c == RemoteWriteConfig{}) return Status::Ok();
    return Invalid(
        "remote-write.url: is empty, so the other remote-write settings have no effect; set it, or remove them");
  }
  auto url = post::ParseUrl(c.url, {"/api/v1/write", "https://metrics.example/api/v1/write",
                                    "these go into remote-write.username and remote-write.password-file"});
  if (!url.ok()) return Wrap(url.error(), "remote-write.url");
  c.url = std::move(url).value();
  if (const auto labels = remote_write::ParseLabels(c.external_labels); !labels.ok()) {
    return Wrap(labels.error(), "remote-write.external-labels");
  }
  if (const Status credentials = CheckCredentials(c); !credentials.ok()) return credentials;
  return CheckNumbers(c);
}

}  // namespace cloudmon
