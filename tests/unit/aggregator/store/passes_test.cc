// SPDX-License-Identifier: Apache-2.0
#include "aggregator/store/passes.h"

#include <doctest/doctest.h>

#include "tests/unit/aggregator/store/buckets.h"

using namespace cloudmon;
using namespace cloudmon::store;
using namespace cloudmon::store::test;

namespace {

std::vector<series::MemberPtr> Pods(const std::vector<std::string>& names) {
  std::vector<series::MemberPtr> members;
  for (const std::string& name : names) members.push_back(Of({Kind::kPod, name, "", "", "p"}));
  return members;
}

bool NameDescending(const Member& a, const Member& b) {
  return a.node > b.node;
}
bool AllEqual(const Member& /*a*/, const Member& /*b*/) {
  return false;
}

// Reads in passes with one point for each member but "skip", and notes what is asked for and taken.
struct Recorder {
  std::string asked, taken;
  int take_at_most = 1000;
  Status Run(const std::vector<std::string>& names, const Store::MemberLess& less, std::size_t buckets,
             std::size_t points_in_memory) {
    const auto read = [&](const std::vector<series::MemberPtr>& members) -> Result<std::vector<SeriesSlice>> {
      std::vector<SeriesSlice> slices;
      for (const series::MemberPtr& member : members) {
        asked += member->node;
        if (member->node == "broken") return Error{ErrorCode::kIo, "broken"};
        if (member->node != "skip") slices.push_back({member, {10}, {Point{}}});
      }
      asked += '|';
      return slices;
    };
    return ReadInPasses(Pods(names), less, buckets, points_in_memory, read, [&](const SeriesSlice& slice) {
      taken += slice.member->node;
      return --take_at_most > 0;
    });
  }
};

}  // namespace

TEST_CASE("ReadInPasses: batches, order, early stop, errors") {
  Recorder all;
  REQUIRE(all.Run({"a", "b", "c", "d", "e"}, NameDescending, 10, 20).ok());
  CHECK(all.asked == "de|bc|a|");
  CHECK(all.taken == "edcba");

  Recorder ties;
  REQUIRE(ties.Run({"b", "a", "skip", "c"}, AllEqual, 0, 2).ok());
  CHECK(ties.asked == "ab|cskip|");
  CHECK(ties.taken == "abc");

  Recorder large;  // one member alone is more than may be in memory
  REQUIRE(large.Run({"a", "b"}, AllEqual, 10, 3).ok());
  CHECK(large.asked == "a|b|");

  Recorder stopped;
  stopped.take_at_most = 3;
  REQUIRE(stopped.Run({"a", "b", "c", "d", "e", "f"}, AllEqual, 1, 2).ok());
  CHECK(stopped.asked == "ab|cd|");
  CHECK(stopped.taken == "abc");

  Recorder failed;
  CHECK(failed.Run({"a", "broken", "c"}, AllEqual, 1, 1).error().message == "broken");
  CHECK(failed.taken == "a");
}

TEST_CASE("Union: each member once, in order") {
  const auto members = Union(Pods({"a", "c"}), Pods({"b", "c", "d"}));
  std::string names;
  for (const series::MemberPtr& member : members) names += member->node;
  CHECK(names == "abcd");
  CHECK(Union({}, {}).empty());
}
