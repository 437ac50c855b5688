// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>

namespace cloudmon::discovery {

// One exporter to scrape. Two targets are the same when their url is.
struct Target {
  std::string url;                            // "http://10.0.0.7:9780/metrics"
  std::string host_port;                      // "10.0.0.7:9780": the node's name where nothing else gives one
  std::string node;                           // the label `node`; empty where not given
  std::map<std::string, std::string> labels;  // all labels as discovered, without `node` and those that start with __
  std::string source;                         // "static", "dns NAME", ... or a file, for messages and /api/targets

  bool operator==(const Target&) const = default;
};

}  // namespace cloudmon::discovery
