// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "exporter/proc/reader.h"
#include "tests/support/files.h"

using cloudmon::ErrorCode;
using cloudmon::proc::ProcessReader;

namespace {

constexpr std::uint32_t kNobody = 65534;

// A child process, in a network namespace of its own where `own_network`; ends when the object goes.
class Child {
 public:
  explicit Child(bool own_network) {
    REQUIRE(::pipe(ready_) == 0);
    REQUIRE(::pipe(stop_) == 0);
    pid_ = ::fork();
    if (pid_ == 0) Run(own_network);
    REQUIRE(pid_ > 0);
    char result = 0;
    REQUIRE(::read(ready_[0], &result, 1) == 1);
    has_network_ = result == 'y';
  }
  ~Child() {
    for (const int fd : {stop_[0], stop_[1], ready_[0], ready_[1]}) ::close(fd);
    ::waitpid(pid_, nullptr, 0);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  [[nodiscard]] std::uint32_t pid() const { return static_cast<std::uint32_t>(pid_); }
  [[nodiscard]] bool has_network() const { return has_network_; }

 private:
  [[noreturn]] void Run(bool own_network) const {
    ::close(stop_[1]);
    const char result = !own_network || ::unshare(CLONE_NEWNET) == 0 ? 'y' : 'n';
    char unused = 0;
    if (::write(ready_[1], &result, 1) == 1) (void)!::read(stop_[0], &unused, 1);
    ::_exit(0);
  }

  int ready_[2] = {-1, -1}, stop_[2] = {-1, -1};
  pid_t pid_ = -1;
  bool has_network_ = false;
};

}  // namespace

TEST_CASE("files of a process") {
  const cloudmon::test::TempDir proc;
  proc.Write("7/net/dev", "eth0: 1 2 3 4 0 0 0 0 5 6 7 8\n");
  proc.Write("8/net/dev", "eth0: x\n");
  ProcessReader reader(proc.path());
  REQUIRE(reader.ReadNetDev(7).ok());
  CHECK(reader.ReadNetDev(7).value()[0].transmit_bytes == 5);
  CHECK(reader.ReadNetDev(8).error().message == proc.path() + "/8/net/dev: eth0: not a whole number: 'x'");
  CHECK(reader.ReadNetDev(9).error().code == ErrorCode::kNotFound);
}

TEST_CASE("IsInCgroup") {
  const cloudmon::test::TempDir proc;
  proc.Write("self/cgroup", "0::/\n");
  proc.Write("7/cgroup", "0::/../../podu/c1\n");
  proc.Write("8/cgroup", "0::/\n");
  ProcessReader reader(proc.path());
  CHECK(reader.IsInCgroup(7, "c1").value());
  CHECK(!reader.IsInCgroup(7, "c2").value());
  CHECK(reader.IsInCgroup(8, "c2").value());  // our own, whose name we are not told
  CHECK(reader.IsInCgroup(9, "c1").error().code == ErrorCode::kNotFound);
}

TEST_CASE("SameNetNamespace by the links") {
  const cloudmon::test::TempDir proc;
  const auto link = [&](const char* pid, const char* target) {
    proc.MakeDir(std::string(pid) + "/ns");
    std::filesystem::create_symlink(target, proc.path() + "/" + pid + "/ns/net");
  };
  link("1", "net:[4026531840]");
  link("7", "net:[4026531840]");
  link("8", "net:[4026532257]");
  const ProcessReader reader(proc.path());
  CHECK(reader.SameNetNamespace(1, 7).value());
  CHECK(!reader.SameNetNamespace(1, 8).value());
  CHECK(reader.SameNetNamespace(1, 9).error().code == ErrorCode::kNotFound);
  CHECK(reader.SameNetNamespace(9, 1).error().code == ErrorCode::kNotFound);
}

TEST_CASE("SameNetNamespace of live processes, with and without privileges") {
  const Child same(false);
  const Child other(true);
  ProcessReader reader("/proc");
  const auto check = [&] {
    const auto self = static_cast<std::uint32_t>(::getpid());
    CHECK(reader.SameNetNamespace(self, same.pid()).value());
    if (other.has_network()) {
      CHECK(!reader.SameNetNamespace(self, other.pid()).value());
      REQUIRE(reader.ReadNetDev(other.pid()).ok());
    } else {
      MESSAGE("no privilege to make a network namespace: not tested with one");
    }
  };
  check();
  if (::geteuid() == 0) {
    REQUIRE(::seteuid(kNobody) == 0);
    check();
    REQUIRE(::seteuid(0) == 0);
  }
}
