// SPDX-License-Identifier: Apache-2.0
#include "aggregator/store/passes.h"

#include <doctest/doctest.h>

#include "tests/unit/aggregator/store/buckets.h"

using namespace cloudmon;
using namespace cloudmon::store;
using namespace cloudmon::store::test;

namespace {

std::vector<PassMember> Pods(const std::vector<std::string>& names, std::size_t points) {
  std::vector<PassMember> members;
  for (const std::string& name : names) members.push_back({Of({Kind::kPod, name, "", "", "p"}), points});
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
  Status Run(const std::vector<PassMember>& members, const Store::MemberLess& less, std::size_t points_in_memory) {
    const auto read = [&](const std::vector<series::MemberPtr>& batch) -> Result<std::vector<SeriesSlice>> {
      std::vector<SeriesSlice> slices;
      for (const series::MemberPtr& member : batch) {
        asked += member->node;
        if (member->node == "broken") return Error{ErrorCode::kIo, "broken"};
        if (member->node != "skip") slices.push_back({member, {10}, {Point{}}});
      }
      asked += '|';
      return slices;
    };
    return ReadInPasses(members, less, points_in_memory, read, [&](const SeriesSlice& slice) {
      taken += slice.member->node;
      return --take_at_most > 0;
    });
  }
};

}  // namespace

TEST_CASE("ReadInPasses: batches, order, early stop, errors") {
  Recorder all;
  REQUIRE(all.Run(Pods({"a", "b", "c", "d", "e"}, 10), NameDescending, 20).ok());
  CHECK(all.asked == "de|bc|a|");
  CHECK(all.taken == "edcba");

  Recorder ties;
  REQUIRE(ties.Run(Pods({"b", "a", "skip", "c"}, 1), AllEqual, 2).ok());
  CHECK(ties.asked == "ab|cskip|");
  CHECK(ties.taken == "abc");

  Recorder large;  // one member alone is more than may be in memory
  REQUIRE(large.Run(Pods({"a", "b"}, 10), AllEqual, 3).ok());
  CHECK(large.asked == "a|b|");

  Recorder mixed;  // as many as fit, however many points each may have
  const std::vector<PassMember> some{{Pods({"a"}, 0)[0].member, 5}, {Pods({"b"}, 0)[0].member, 1},
                                     {Pods({"c"}, 0)[0].member, 0}, {Pods({"d"}, 0)[0].member, 4},
                                     {Pods({"e"}, 0)[0].member, 9}, {Pods({"f"}, 0)[0].member, 1}};
  REQUIRE(mixed.Run(some, AllEqual, 6).ok());
  CHECK(mixed.asked == "abc|d|e|f|");

  Recorder stopped;
  stopped.take_at_most = 3;
  REQUIRE(stopped.Run(Pods({"a", "b", "c", "d", "e", "f"}, 1), AllEqual, 2).ok());
  CHECK(stopped.asked == "ab|cd|");
  CHECK(stopped.taken == "abc");

  Recorder failed;
  CHECK(failed.Run(Pods({"a", "broken", "c"}, 1), AllEqual, 1).error().message == "broken");
  CHECK(failed.taken == "a");
}

TEST_CASE("Union: each member once with the points of both, in order") {
  const auto members = Union(Pods({"a", "c"}, 2), Pods({"b", "c", "d"}, 5));
  std::string names;
  for (const PassMember& one : members) names += one.member->node + std::to_string(one.points);
  CHECK(names == "a2b5c7d5");
  CHECK(Union({}, {}).empty());
}
