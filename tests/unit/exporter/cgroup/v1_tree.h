// SPDX-License-Identifier: Apache-2.0
// A node with cgroup v1 for tests, made of small files.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "exporter/roots.h"
#include "tests/support/files.h"

namespace cloudmon::test {

inline const std::string kUid = "0d9a4c31-77e2-4b58-8c6d-5e4f3a2b1c0d";
inline const std::string kId = "e6435f85d66403102e5d6592f4be807c4be6c1c4d28a330b07810c705b06079e";
inline const std::string kPodPath = "/kubepods/burstable/pod" + kUid;
inline const std::string kContainerPath = kPodPath + "/" + kId;

// The time of the tree's boot: after any time at which it was really made.
inline constexpr double kBootSeconds = 4'000'000'000;

class V1Tree {
 public:
  // A pod with one container, each with cgroup.procs only, in each of the mounts; no mountinfo.
  explicit V1Tree(std::initializer_list<std::string_view> mounts = {"cpu,cpuacct", "memory", "blkio", "pids"}) {
    dir_.Write("proc/stat", "cpu  1 2 3\nbtime 4000000000\n");
    dir_.MakeDir("cgroup");
    for (const std::string_view mount : mounts) {
      Write(std::string(mount) + kPodPath + "/cgroup.procs", "");
      Write(std::string(mount) + kContainerPath + "/cgroup.procs", "42\n");
    }
  }

  [[nodiscard]] Roots roots() const {
    return Roots{.procfs = dir_.path() + "/proc", .cgroup = dir_.path() + "/cgroup", .rootfs = {}, .podlogs = {}};
  }
  [[nodiscard]] std::string path(std::string_view below) const { return dir_.path() + "/cgroup/" + std::string(below); }

  void Write(std::string_view below, std::string_view text) const { dir_.Write("cgroup/" + std::string(below), text); }
  void MakeDir(std::string_view below) const { dir_.MakeDir("cgroup/" + std::string(below)); }
  // In a mount, of the container or the pod.
  void Container(std::string_view mount, std::string_view file, std::string_view text) const {
    Write(std::string(mount) + kContainerPath + "/" + std::string(file), text);
  }
  void Pod(std::string_view mount, std::string_view file, std::string_view text) const {
    Write(std::string(mount) + kPodPath + "/" + std::string(file), text);
  }
  void Proc(std::string_view file, std::string_view text) const { dir_.Write("proc/" + std::string(file), text); }

 private:
  TempDir dir_;
};

}  // namespace cloudmon::test
