// SPDX-License-Identifier: Apache-2.0
#include "aggregator/remote_write/state_file.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/support/files.h"
#include "tests/unit/aggregator/store/small_disk.h"

using namespace cloudmon;                // NOLINT: a test
using namespace cloudmon::remote_write;  // NOLINT: a test

TEST_CASE("what is saved is loaded") {
  const test::TempDir dir;
  const StateFile file(dir.path());
  CHECK(!file.Load().value());
  for (const State& state : {State{1'795'369'210, {}}, State{0, {7}}, State{1'795'369'220, {1'795'369'100, 5, 6}}}) {
    REQUIRE(file.Save(state).ok());
    CHECK(StateFile(dir.path()).Load().value() == state);
  }
  CHECK(std::distance(std::filesystem::directory_iterator(dir.path()), {}) == 1);
}

TEST_CASE("a damaged file is told from none") {
  const test::TempDir dir;
  for (const char* text :
       {"", "{", "[]", "{}", "7", R"({"sent_until":7})", R"({"sent_until":-7,"amended":[]})",
        R"({"sent_until":1.5,"amended":[]})", R"({"sent_until":"7","amended":[]})", R"({"sent_until":7,"amended":7})",
        R"({"sent_until":7,"amended":[-1]})", R"({"sent_until":99999999999999999,"amended":[]})", "\xFF\x00"}) {
    CAPTURE(text);
    const std::string path = dir.Write("remote_write.json", text);
    const auto state = StateFile(dir.path()).Load();
    REQUIRE(!state.ok());
    CHECK(state.error().message == path + ": is not what was written there");
  }
}

TEST_CASE("a full disk leaves the file as it was") {
  const test::TempDir dir;
  const store::test::SmallDisk disk(dir.path());
  if (!disk.mounted()) return;  // only root can
  const StateFile file(dir.path());
  const State before{1'795'369'210, {}};
  REQUIRE(file.Save(before).ok());
  {
    std::ofstream filler(dir.path() + "/filler", std::ios::binary);
    const std::string block(4096, 'x');
    while (filler.write(block.data(), static_cast<std::streamsize>(block.size())).flush()) {
    }
  }
  const Status failed = file.Save({1'795'369'220, {}});
  REQUIRE(!failed.ok());
  CHECK(failed.error().message == dir.path() + "/remote_write.json: No space left on device");
  CHECK(file.Load().value() == before);
  std::filesystem::remove(dir.path() + "/filler");
  REQUIRE(file.Save({1'795'369'220, {}}).ok());
}
