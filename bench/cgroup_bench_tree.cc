// SPDX-License-Identifier: Apache-2.0
#include "bench/cgroup_bench_tree.h"

#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <initializer_list>

#include "common/file.h"
#include "exporter/cgroup/read_layout.h"
#include "exporter/config.h"

namespace cloudmon::bench {
namespace fs = std::filesystem;

namespace {

void Require(bool ok, const std::string& what) {
  if (ok) return;
  std::fprintf(stderr, "%s: %s\n", what.c_str(), std::strerror(errno));
  std::exit(1);
}

void WriteTo(const std::string& path, const std::string& text) {
  std::ofstream out(path);
  out << text << std::flush;
  Require(out.good(), path);
}

pid_t StartSleeper() {
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  Require(pid >= 0, "fork");
  if (pid > 0) return pid;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(0);
  if (::unshare(CLONE_NEWNET) != 0) ::_exit(1);  // a network of its own, as a pod's
  while (true) ::pause();
}

}  // namespace

std::string PodPath(int pod) {
  char uid[37];
  std::snprintf(uid, sizeof uid, "%08x-0000-4000-8000-000000000000", static_cast<unsigned>(pod));
  return std::string("/kubepods/burstable/pod") + uid;
}

std::string ContainerPath(int pod, int container) {
  char id[65];
  std::snprintf(id, sizeof id, "%032x%032x", static_cast<unsigned>(pod), static_cast<unsigned>(container));
  return PodPath(pod) + "/" + id;
}

std::vector<pid_t> MakeTree(const cgroup::Layout& layout, const std::string& prefix, int pods) {
  std::vector<pid_t> sleepers;
  // The second containers a little after all first ones: names are told apart by the time that containers began.
  for (int container = 0; container < kContainersPerPod; ++container) {
    ::usleep(50'000);
    for (int pod = 0; pod < pods; ++pod) {
      sleepers.push_back(StartSleeper());
      const std::string path = prefix + ContainerPath(pod, container);
      for (const std::string& mount : layout.mounts) {
        fs::create_directories(mount + path);
        WriteTo(mount + path + "/cgroup.procs", std::to_string(sleepers.back()));
      }
      if (const auto cpu = layout.V1(cgroup::Controller::kCpu); cpu && container == 0) {
        WriteTo(layout.mounts[*cpu] + path + "/cpu.cfs_quota_us", "50000");
      }
    }
  }
  return sleepers;
}

bool RemoveTree(const cgroup::Layout& layout, const std::string& prefix) {
  bool all_gone = true;
  for (const std::string& mount : layout.mounts) {
    const std::string top = mount + prefix;
    if (!fs::exists(top)) continue;
    std::vector<std::string> directories = {top};
    for (const auto& entry : fs::recursive_directory_iterator(top)) {
      if (entry.is_directory()) directories.push_back(entry.path().string());
    }
    std::ranges::reverse(directories);  // what is in a directory comes after it
    constexpr int kAttempts = 500;      // of 10 ms: killed processes need a moment to be gone
    for (const std::string& directory : directories) {
      int attempt = 0;
      while (::rmdir(directory.c_str()) != 0 && errno == EBUSY && ++attempt < kAttempts) ::usleep(10'000);
    }
    all_gone = !fs::exists(top) && all_gone;
  }
  return all_gone;
}

View::View(const cgroup::Layout& layout, const std::string& prefix) {
  std::string pattern = (fs::temp_directory_path() / "cgroup-bench-XXXXXX").string();
  Require(::mkdtemp(pattern.data()) != nullptr, pattern);
  path_ = pattern;
  for (const std::string& mount : layout.mounts) {
    fs::create_directory_symlink(mount + prefix, fs::path(path_) / fs::path(mount).filename());
  }
}

View::~View() {
  fs::remove_all(path_);
}

int RunWithCgroups(const std::function<int(const cgroup::Layout&, const std::string& prefix, const View&)>& work) {
  if (::geteuid() != 0) {
    std::fprintf(stderr, "makes cgroups, so it must run as root\n");
    return 1;
  }
  const auto layout = cgroup::ReadLayout(ExporterConfig{}.roots);
  if (!layout.ok() || layout.value().version == cgroup::Version::kV2) {
    std::fprintf(stderr, "needs cgroup v1 mounts: %s\n",
                 layout.ok() ? "this machine has v2 only" : layout.error().message.c_str());
    return 1;
  }
  RaiseDescriptorLimit();
  const std::string prefix = "/cmbench-" + std::to_string(::getpid());
  const View view(layout.value(), prefix);
  // A child does the work, so that however it ends this process can clean up.
  sigset_t signals;
  ::sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGCHLD}) ::sigaddset(&signals, signal);
  ::sigprocmask(SIG_BLOCK, &signals, nullptr);
  const pid_t worker = ::fork();
  if (worker < 0) return 1;
  if (worker == 0) {
    ::sigprocmask(SIG_UNBLOCK, &signals, nullptr);
    const int result = work(layout.value(), prefix, view);
    std::fflush(stdout);
    ::_exit(result);
  }
  while (::sigwaitinfo(&signals, nullptr) != SIGCHLD) ::kill(worker, SIGTERM);
  int status = 0;
  ::waitpid(worker, &status, 0);
  if (!RemoveTree(layout.value(), prefix)) {
    std::fprintf(stderr, "could not remove all cgroups named %s\n", prefix.c_str());
    return 1;
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

}  // namespace cloudmon::bench
