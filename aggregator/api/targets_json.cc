// SPDX-License-Identifier: Apache-2.0
#include "aggregator/api/targets_json.h"

#include <nlohmann/json.hpp>

namespace cloudmon::api {
namespace {

using Json = nlohmann::ordered_json;

Json TargetJson(const scrape::TargetStatus& target) {
  Json json;
  json["url"] = target.url;
  json["node"] = target.node;
  json["source"] = target.source;
  json["labels"] = target.labels;
  json["up"] = target.up;
  json["last_scrape"] = nullptr;
  if (target.last_scrape_ms != 0) json["last_scrape"] = static_cast<double>(target.last_scrape_ms) / 1000;
  json["duration_seconds"] = target.duration_seconds;
  json["body_bytes"] = target.body_bytes;
  json["samples"] = target.samples;
  json["rejected_lines"] = target.rejected_lines;
  json["last_error"] = nullptr;
  if (!target.last_error.empty()) json["last_error"] = target.last_error;
  return json;
}

// Error texts may quote bytes of a page; dump() would throw on invalid UTF-8.
std::string Dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

std::string TargetsJson(const std::vector<scrape::TargetStatus>& targets) {
  std::string json = "[";
  for (const auto& target : targets) {
    json += json.size() == 1 ? "\n" : ",\n";
    json += Dump(TargetJson(target));
  }
  json += targets.empty() ? "]\n" : "\n]\n";
  return json;
}

}  // namespace cloudmon::api
