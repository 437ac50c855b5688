// SPDX-License-Identifier: Apache-2.0
#include "exporter/identity/container_match.h"

#include <doctest/doctest.h>

namespace cloudmon::identity {
namespace {

using Starts = std::vector<std::optional<double>>;
using Names = std::vector<NamedStart>;
using Want = std::vector<std::string>;

TEST_CASE("ParseTerminationLogMount") {
  const std::string uid = "0f0c9f4e-1c2d-4f3a-8b5e-6d7f8a9b0c1d";
  const auto good = [&](std::string_view root, std::string_view want) {
    CAPTURE(root);
    const std::string line =
        "812 790 8:1 " + std::string(root) + " /dev/termination-log rw,relatime - ext4 /dev/sda1 rw";
    CHECK(ParseTerminationLogMount(line, uid) == std::optional(std::string(want)));
  };
  const auto bad = [&](const std::string& line) {
    CAPTURE(line);
    CHECK(!ParseTerminationLogMount(line, uid));
  };
  const std::string pods = "/pods/" + uid + "/containers/";
  good("/var/lib/kubelet" + pods + "web/5f3c1a2b", "web");
  good(pods + "web/5f3c1a2b", "web");  // the kubelet's directory is a file system of its own
  good("/var/lib/kubelet" + pods + "my-web-2/5f3c1a2b//deleted", "my-web-2");
  good("/@/var/lib/my\\040kubelet" + pods + "web/5f3c1a2b", "web");
  good("/var" + pods + "we\\134b/5f3c1a2b", "we\\b");
  good("/var" + pods + "we\\12/5f3c1a2b", "we\\12");
  good("/var" + pods + "we\xff/5f3c1a2b", "we\xEF\xBF\xBD");
  CHECK(ParseTerminationLogMount("1 2 3 /x" + pods + "web/a /other/place rw", uid) ==
        std::optional<std::string>("web"));

  const std::string head = "812 790 8:1 ";
  bad(head + "/var/lib/kubelet/pods/" + uid + "/etc-hosts /etc/hosts rw");
  bad(head + "/var/lib/kubelet/pods/" + uid + "/volumes/kubernetes.io~empty-dir/x/containers/y /x rw");
  bad(head + "/var/lib/kubelet/pods/other/containers/web/5f3c1a2b /dev/termination-log rw");
  bad(head + "/var" + pods + "web /x rw");
  bad(head + "/var" + pods + "web/ /x rw");
  bad(head + "/var" + pods + "/5f3c1a2b /x rw");
  bad(head + "/var" + pods + "web/a/b /x rw");
  bad(head + "/var" + pods);
  bad("812 790");
  bad("");
  CHECK(!ParseTerminationLogMount(head + "/pods//containers/web/5f3c /x rw", ""));
}

TEST_CASE("ContainerNameFromMountinfo") {
  const std::string mounts =
      "800 799 0:50 / / rw - overlay overlay rw\n"
      "801 800 8:1 /kubelet/pods/u1/etc-hosts /etc/hosts rw - ext4 /dev/sda1 rw\n"
      "802 800 8:1 /kubelet/pods/u1/containers/web/5f3c1a2b /dev/termination-log rw - ext4 /dev/sda1 rw\n";
  CHECK(ContainerNameFromMountinfo(mounts, "u1") == "web");
  CHECK(ContainerNameFromMountinfo(mounts, "u2").empty());
  CHECK(ContainerNameFromMountinfo("", "u1").empty());
  for (std::size_t length = 0; length < mounts.size(); ++length) {
    CAPTURE(length);
    const std::string name = ContainerNameFromMountinfo(std::string_view(mounts).substr(0, length), "u1");
    CHECK((name.empty() || name == "web"));
  }
}

TEST_CASE("MatchContainerNames") {
  const auto f = [](const Starts& starts, const Names& names, const Want& want) {
    CAPTURE(starts.size());
    CAPTURE(names.size());
    CHECK(MatchContainerNames(starts, names) == want);
  };
  const auto none = std::nullopt;
  f({}, {}, {});
  f({none}, {{"app", none}}, {"app"});
  f({5.0}, {{"app", 4.0}}, {"app"});
  f({5.0}, {}, {""});
  f({}, {{"app", 4.0}}, {});
  f({5.0}, {{"app", 4.0}, {"setup", 3.0}}, {""});
  f({5.0, 6.0}, {{"app", 4.0}}, {"", ""});
  f({6.0, 5.0}, {{"first", 4.9}, {"second", 5.9}}, {"second", "first"});
  f({6.0, 5.0, 7.0}, {{"c", 6.9}, {"a", 4.9}, {"b", 5.9}}, {"b", "a", "c"});
  f({5.0, 5.0}, {{"a", 4.9}, {"b", 5.9}}, {"", ""});
  f({5.0, 6.0}, {{"a", 4.9}, {"b", 4.9}}, {"", ""});
  f({5.0, none}, {{"a", 4.9}, {"b", 5.9}}, {"", ""});
  f({5.0, 6.0}, {{"a", none}, {"b", 5.9}}, {"", ""});
}

}  // namespace
}  // namespace cloudmon::identity
