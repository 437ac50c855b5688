// SPDX-License-Identifier: Apache-2.0
// kill -9 at random points: what was written is there, whole and once.
#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <random>

#include "aggregator/store/database.h"
#include "tests/unit/aggregator/store/fixture.h"

using namespace cloudmon;
using namespace cloudmon::store;
using namespace cloudmon::store::test;

namespace {

struct Progress {
  std::int64_t appended = 0, written = 0;  // numbers of buckets
};

// In the child: appends buckets from `first` on, telling the parent after each how far it is, until killed.
[[noreturn]] void AppendForever(const StoreOptions& options, const Clock& clock, std::int64_t first, int pipe) {
  const Cluster cluster(40);
  auto store = Store::Open(options, clock);
  if (!store.ok()) ::_exit(1);
  for (std::int64_t i = first;; ++i) {
    store.value()->Append(cluster.At(kFirst + 10 * i));
    // Written buckets are the first of this run: the writer takes them in order.
    const auto written = first + static_cast<std::int64_t>(store.value()->Stats().buckets_written);
    const Progress progress{i + 1, written};
    if (::write(pipe, &progress, sizeof progress) != sizeof progress) ::_exit(1);
  }
}

// Runs the child until it has told `reports` times, kills it, and returns its last report.
Progress RunAndKill(const StoreOptions& options, const Clock& clock, std::int64_t first, int reports) {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::close(ends[0]);
    AppendForever(options, clock, first, ends[1]);
  }
  ::close(ends[1]);
  Progress last{first, first};
  Progress next;
  for (int i = 0; i < reports; ++i) {
    REQUIRE(::read(ends[0], &next, sizeof next) == sizeof next);
    last = next;
  }
  REQUIRE(::kill(child, SIGKILL) == 0);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WIFSIGNALED(status));
  while (::read(ends[0], &next, sizeof next) == sizeof next) last = next;  // told before it died
  ::close(ends[0]);
  return last;
}

}  // namespace

TEST_CASE_FIXTURE(StoreFixture, "Killed twenty times at random points") {
  const Cluster cluster(40);
  options.head_points = 1'000'000;
  std::mt19937 random(static_cast<unsigned>(::getpid()));
  std::int64_t next = 0;
  for (int round = 0; round < 20; ++round) {
    const Progress progress = RunAndKill(options, clock, next, std::uniform_int_distribution<>(1, 60)(random));
    const auto store = Open();
    const std::int64_t kept = store->NewestBucket() ? (*store->NewestBucket() - kFirst) / 10 + 1 : 0;
    CAPTURE(round);
    CHECK(kept >= progress.written);
    CHECK(kept <= progress.appended + 1);  // appended but killed before it could tell
    Table expected;
    for (std::int64_t i = 0; i < kept; ++i) AddTo(expected, cluster.At(kFirst + 10 * i));
    CHECK((Everything(*store) == expected));
    next = kept;
  }
  Connection db = std::move(Connection::Open(File(), Connection::Mode::kReadOnly)).value();
  CHECK(db.QueryText("PRAGMA integrity_check").value() == "ok");
  CHECK(db.QueryInt("SELECT count(*) FROM series").value() == 2 + 40 + 3 + 1 + 1);
}
