// SPDX-License-Identifier: Apache-2.0
#include "exporter/cgroup/kubepods_search.h"

#include <utility>

#include "exporter/cgroup/directory.h"

namespace cloudmon::cgroup {
namespace {

class Search {
 public:
  void Below(int dir_fd, const std::string& path, int depth) {
    if (depth == kMaxSearchDepth || listed_ == kMaxSearchedDirectories || !MayHaveDirectories(dir_fd)) return;
    ++listed_;
    const auto names = ListDirectories(dir_fd);
    if (!names.ok()) return;
    for (const std::string& name : names.value()) {
      Place place = Descend(Place{}, name);
      if (place.level == Level::kRoot) {
        roots_.push_back({path + "/" + name, std::move(place)});
        continue;
      }
      const auto below = OpenDirectory(dir_fd, name.c_str());
      if (below.ok()) Below(below.value().get(), path + "/" + name, depth + 1);
    }
  }

  std::vector<KubepodsRoot> TakeRoots() && { return std::move(roots_); }

 private:
  std::vector<KubepodsRoot> roots_;
  int listed_ = 0;
};

}  // namespace

std::vector<KubepodsRoot> FindKubepods(int mount_fd) {
  Search search;
  const auto top = OpenDirectory(mount_fd, ".");  // its own position: mount_fd may have been listed
  if (top.ok()) search.Below(top.value().get(), "", 0);
  return std::move(search).TakeRoots();
}

}  // namespace cloudmon::cgroup
