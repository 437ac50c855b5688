// SPDX-License-Identifier: Apache-2.0
#include "aggregator/remote_write/labels.h"

#include <doctest/doctest.h>

#include <string>

using namespace cloudmon;                // NOLINT: a test
using namespace cloudmon::remote_write;  // NOLINT: a test
using series::Kind;
using series::Member;

TEST_CASE("external labels are sorted by name") {
  const auto labels = ParseLabels({"replica=a", "cluster=eu-1=x, y", "Zone=\xFF", "_x9=1"});
  REQUIRE(labels.ok());
  CHECK(labels.value() == Labels{{"Zone", "\xEF\xBF\xBD"}, {"_x9", "1"}, {"cluster", "eu-1=x, y"}, {"replica", "a"}});
  CHECK(ParseLabels({}).value().empty());
}

TEST_CASE("texts that are no labels") {
  for (const char* text :
       {"", "=", "cluster", "cluster=", "=eu", "clus-ter=eu", "9a=b", "__name__=x", "__a=b", "a b=c", "\xC3\xA9=e"}) {
    CAPTURE(text);
    const auto labels = ParseLabels({"good=1", text});
    REQUIRE(!labels.ok());
    CHECK(labels.error().code == ErrorCode::kInvalid);
    CHECK(labels.error().message == "expected NAME=VALUE such as cluster=eu-1, got '" + std::string(text) + "'");
  }
  CHECK(ParseLabels({"a=1", "b=1", "a=2"}).error().message == "'a' is there twice");
}

TEST_CASE("a member's labels are what is known of it") {
  const Labels external = {{"cluster", "eu"}, {"pod", "other"}, {"zone", "z"}};
  CHECK(LabelsOf(Member{Kind::kCluster, "", "", "", ""}, {}).empty());
  CHECK(LabelsOf(Member{Kind::kNode, "n", "", "", ""}, {}) == Labels{{"node", "n"}});
  CHECK(LabelsOf(Member{Kind::kPod, "n", "s", "", "p"}, external) ==
        Labels{{"cluster", "eu"}, {"namespace", "s"}, {"node", "n"}, {"pod", "p"}, {"zone", "z"}});
  CHECK(LabelsOf(Member{Kind::kDeployment, "", "s", "d", ""}, external) ==
        Labels{{"cluster", "eu"}, {"deployment", "d"}, {"namespace", "s"}, {"pod", "other"}, {"zone", "z"}});
}
