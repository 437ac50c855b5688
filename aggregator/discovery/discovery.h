// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "aggregator/discovery/shard.h"
#include "aggregator/discovery/target.h"
#include "common/result.h"

namespace cloudmon::discovery {

// Where targets come from. One thread at a time.
class Discovery {
 public:
  virtual ~Discovery() = default;
  // The targets there are now, called once an interval and when Changed: never waits, and is cheap when nothing
  // changed. On an error (unreadable or malformed file, no answer: logged once until it changes) the last good targets
  // stay.
  virtual std::vector<Target> Targets() = 0;
  // There are other targets than at the last call of Targets. For those that learn of it by themselves; costs nothing.
  [[nodiscard]] virtual bool Changed() const { return false; }
};

// Shared, because a reload keeps those whose settings did not change.
using Discoveries = std::vector<std::shared_ptr<Discovery>>;

// The targets of all of them that are in the shard, in order, each url once: the first that names it wins.
std::vector<Target> AllTargets(const Discoveries& discoveries, const Shard& shard);

// Parses "host:port" (also "[::1]:9780", "http://host:port/path"); the path is /metrics where none is given.
// Error: kInvalid, naming the text and what was expected. Thread-safe.
Result<Target> ParseTarget(std::string_view text, std::string source);

// Prometheus' file_sd content, JSON or YAML by itself: [{"targets": ["host:port"], "labels": {"node": "a"}}]. The
// labels
// __scheme__, __metrics_path__ and node are honoured. Error: kParse, naming file, place and what was expected.
// Thread-safe.
Result<std::vector<Target>> ParseFileSd(std::string_view content, std::string_view file_name);

}  // namespace cloudmon::discovery
