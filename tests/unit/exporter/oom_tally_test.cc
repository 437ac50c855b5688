// SPDX-License-Identifier: Apache-2.0
#include "exporter/oom_tally.h"

#include <doctest/doctest.h>

#include <utility>

using cloudmon::OomTally;
using cloudmon::cgroup::Container;
using cloudmon::cgroup::Pod;

namespace {

Pod PodWith(std::vector<std::pair<std::string, cloudmon::cgroup::Value>> kills) {
  Pod pod;
  pod.uid = "u";
  for (auto& [id, value] : kills) {
    Container container;
    container.id = id;
    container.usage.memory.oom_kills = value;
    pod.containers.push_back(container);
  }
  return pod;
}

}  // namespace

TEST_CASE("the sum does not fall when a container restarts") {
  OomTally tally;
  CHECK(tally.Update(PodWith({{"a", 2}, {"b", 0}})) == 2);
  CHECK(tally.Update(PodWith({{"b", 1}})) == 3);            // a is gone
  CHECK(tally.Update(PodWith({{"b", 1}, {"c", 0}})) == 3);  // a came back as c
  CHECK(tally.Update(PodWith({{"b", 1}, {"c", 4}})) == 7);
  CHECK(tally.Update(PodWith({{"c", std::nullopt}})) == 7);  // unreadable for once
}

TEST_CASE("no count is not a count of zero") {
  OomTally tally;
  CHECK(tally.Update(PodWith({{"a", std::nullopt}})) == std::nullopt);
  CHECK(tally.Update(PodWith({})) == std::nullopt);
  CHECK(tally.Update(PodWith({{"a", 0}})) == 0);
  CHECK(tally.Update(PodWith({})) == 0);
}

TEST_CASE("a pod that is gone is forgotten") {
  OomTally tally;
  CHECK(tally.Update(PodWith({{"a", 2}})) == 2);
  tally.Sweep();  // seen since the last sweep: kept
  CHECK(tally.Update(PodWith({{"b", 1}})) == 3);
  tally.Sweep();
  tally.Sweep();  // not seen since
  CHECK(tally.Update(PodWith({{"b", 1}})) == 1);
}
