// SPDX-License-Identifier: Apache-2.0
#include "aggregator/remote_writer.h"

#include <chrono>
#include <utility>

#include "common/post/backoff.h"

namespace cloudmon {
namespace {

std::int64_t Seconds(std::chrono::milliseconds value) {
  return std::chrono::duration_cast<std::chrono::seconds>(value).count();
}

remote_write::ShipperOptions OptionsOf(const AggregatorConfig& config) {
  const RemoteWriteConfig& c = config.remote_write;
  remote_write::ShipperOptions options;
  options.url = c.url;
  options.labels = remote_write::ParseLabels(c.external_labels).value();  // FinishConfig has accepted them
  options.token_file = c.bearer_token_file;
  options.username = c.username;
  options.password_file = c.password_file;
  options.ca_file = c.ca_file;
  options.verify_tls = !c.insecure_skip_verify;
  options.timeout = c.timeout;
  options.max_samples = static_cast<std::size_t>(c.max_samples_per_send);
  options.retention_seconds = Seconds(config.storage_retention);
  options.interval_seconds = Seconds(config.scrape_interval);
  options.directory = config.storage_path;
  return options;
}

}  // namespace

void RemoteWriter::Set(const AggregatorConfig& config) {
  std::unique_ptr<remote_write::Shipper> ended;  // after the lock: others do not wait for its end
  const remote_write::ShipperOptions options = OptionsOf(config);
  const std::lock_guard lock(mu_);
  if (options.url.empty()) {
    ended = std::move(shipper_);
  } else if (shipper_) {
    shipper_->Reload(options);
  } else {
    shipper_ = std::make_unique<remote_write::Shipper>(options, store_, clock_, post::MakeRandom());
  }
}

void RemoteWriter::Appended(std::int64_t time_seconds) {
  const std::lock_guard lock(mu_);
  if (shipper_) shipper_->Appended(time_seconds);
}

void RemoteWriter::Amended(const std::vector<std::int64_t>& times_seconds) {
  const std::lock_guard lock(mu_);
  if (shipper_) shipper_->Amended(times_seconds);
}

std::optional<remote_write::ShipStats> RemoteWriter::Stats() const {
  const std::lock_guard lock(mu_);
  if (!shipper_) return std::nullopt;
  return shipper_->Stats();
}

}  // namespace cloudmon
