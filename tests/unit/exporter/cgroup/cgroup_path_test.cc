// SPDX-License-Identifier: Apache-2.0
#include "exporter/cgroup/cgroup_path.h"

#include <doctest/doctest.h>

#include <string>

#include "tests/support/place_of_path.h"
#include "tests/support/recorded_tree.h"

using cloudmon::cgroup::Level;
using cloudmon::cgroup::Place;
using cloudmon::test::PlaceOfPath;

namespace {

const std::string kUid = "0d9a4c31-77e2-4b58-8c6d-5e4f3a2b1c0d";
const std::string kUidInSlice = "0d9a4c31_77e2_4b58_8c6d_5e4f3a2b1c0d";
const std::string kStaticUid = "3b2ad1f0c0e7d4c7ae8d6f3a1b2c3d4e";
const std::string kId = "e6435f85d66403102e5d6592f4be807c4be6c1c4d28a330b07810c705b06079e";

void IsPod(const std::string& path, const std::string& qos, const std::string& uid) {
  CAPTURE(path);
  const Place place = PlaceOfPath(path);
  CHECK(place.level == Level::kPod);
  CHECK(place.qos == qos);
  CHECK(place.pod_uid == uid);
  CHECK(place.container_id.empty());
}

void IsContainer(const std::string& path, const std::string& qos, const std::string& uid,
                 Level level = Level::kContainer) {
  CAPTURE(path);
  const Place place = PlaceOfPath(path);
  CHECK(place.level == level);
  CHECK(place.qos == qos);
  CHECK(place.pod_uid == uid);
  CHECK(place.container_id == kId);
}

void IsLevel(const std::string& path, Level level) {
  CAPTURE(path);
  const Place place = PlaceOfPath(path);
  CHECK(place.level == level);
  CHECK(place.container_id.empty());
  if (level == Level::kOutside) CHECK(place == Place{});
}

}  // namespace

TEST_CASE("a path: cgroupfs driver") {
  IsPod("/kubepods/burstable/pod" + kUid, "burstable", kUid);
  IsPod("/kubepods/besteffort/pod" + kUid + "/", "besteffort", kUid);
  IsPod("/kubepods/pod" + kUid, "guaranteed", kUid);
  IsPod("kubepods/pod" + kStaticUid, "guaranteed", kStaticUid);
  IsPod("/kubelet/kubepods/pod" + kUid, "guaranteed", kUid);
  IsContainer("/kubepods/burstable/pod" + kUid + "/" + kId, "burstable", kUid);
  IsContainer("/kubepods/pod" + kUid + "/" + kId, "guaranteed", kUid);
  IsContainer("/kubepods/pod" + kUid + "/crio-" + kId, "guaranteed", kUid);
  IsContainer("/docker/" + kId + "/kubelet/kubepods/besteffort/pod" + kUid + "/" + kId, "besteffort", kUid);
}

TEST_CASE("a path: systemd driver") {
  const std::string burstable =
      "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" + kUidInSlice + ".slice";
  IsPod(burstable, "burstable", kUid);
  for (const char* runtime : {"cri-containerd-", "crio-", "docker-", "libpod-"}) {
    IsContainer(burstable + "/" + runtime + kId + ".scope", "burstable", kUid);
  }
  IsPod("/kubepods.slice/kubepods-pod" + kUidInSlice + ".slice", "guaranteed", kUid);
  IsPod("/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" + kStaticUid + ".slice", "burstable",
        kStaticUid);
  const std::string kind =
      "/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-besteffort.slice/kubelet-kubepods-besteffort-pod" +
      kUidInSlice + ".slice";
  IsPod(kind, "besteffort", kUid);
  IsContainer(kind + "/cri-containerd-" + kId + ".scope", "besteffort", kUid);
  IsContainer("/system.slice/docker-" + kId + ".scope" + kind + "/cri-containerd-" + kId + ".scope", "besteffort",
              kUid);
  IsPod("/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod" + kUidInSlice + ".slice", "guaranteed", kUid);
}

TEST_CASE("a path: names escaped by systemd") {
  const std::string escaped = R"(0d9a4c31\x2d77e2\x2d4b58\x2d8c6d\x2d5e4f3a2b1c0d)";
  IsPod("/kubepods.slice/kubepods-pod" + escaped + ".slice", "guaranteed", kUid);
  IsContainer(R"(/my\x2dpool.slice/my\x2dpool-kubepods.slice/my\x2dpool-kubepods-pod)" + kUidInSlice +
                  R"(.slice/cri\x2dcontainerd-)" + kId + ".scope",
              "guaranteed", kUid);
  for (const char* name : {R"(\x)", R"(\x2)", R"(\xzz)", R"(\)"}) {
    IsLevel("/kubepods/pod" + kUid + "/" + name, Level::kBelow);
    IsLevel("/" + std::string(name), Level::kOutside);
  }
}

TEST_CASE("a path: below a container, and beside the containers") {
  const std::string pod = "/kubepods/burstable/pod" + kUid;
  IsContainer(pod + "/" + kId + "/init.scope", "burstable", kUid, Level::kBelow);
  IsContainer(pod + "/" + kId + "/system.slice/app.service", "burstable", kUid, Level::kBelow);
  IsContainer(pod + "/" + kId + "/kubepods/pod" + kStaticUid, "burstable", kUid, Level::kBelow);
  for (const std::string& name : {"crio-conmon-" + kId + ".scope", kId.substr(1), kId + "0", "x" + kId,
                                  "G" + kId.substr(1), std::string("init.scope")}) {
    IsLevel(pod + "/" + name, Level::kBelow);
    CHECK(PlaceOfPath(pod + "/" + name).pod_uid == kUid);
  }
}

TEST_CASE("a path: what is not a pod") {
  for (const char* path : {"",
                           "/",
                           "/..",
                           "/../../pod0d9a4c31",
                           "/system.slice/kubelet.service",
                           "/kubepodsx",
                           "/xkubepods.slice",
                           "/user.slice/kubepods.service",
                           "/kubepods/system.slice",
                           "/kubepods/pod",
                           "/kubepods/burstable/burstable",
                           "/kubepods/pod a",
                           "/kubepods.slice/burstable",
                           "/kubepods.slice/kubepods-pod.slice",
                           "/kubepods.slice/kubepods-.slice",
                           "/kubepods.slice/.slice",
                           "/kubepods.slice/kubepods-burstable",
                           "/kubepods.slice/pod1.slice",
                           "/kubepods.slice/kubepods-burstable.slice/kubepods-pod1.slice",
                           "/podruntime.slice"}) {
    IsLevel(path, Level::kOutside);
  }
  IsLevel("/kubepods", Level::kRoot);
  IsLevel("/a-kubepods.slice", Level::kRoot);
  IsLevel("/kubepods/besteffort", Level::kQos);
}

TEST_CASE("a path: those of the recorded nodes") {
  for (const std::string_view node : cloudmon::test::kRecordedNodes) {
    for (const auto& container : cloudmon::test::RecordedContainers(node)) {
      CAPTURE(container.cgroup_path);
      const Place place = PlaceOfPath(container.cgroup_path);
      const bool in_pod = container.name.find('-') != std::string::npos;
      CHECK((place.container_id.size() == 64) == in_pod);
      if (in_pod)
        CHECK(place.qos[0] == (container.name[0] == 's' ? 'b' : container.name[0] == 'e' ? 'b' : container.name[0]));
    }
  }
}
