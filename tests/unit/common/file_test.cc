// SPDX-License-Identifier: Apache-2.0
#include "common/file.h"

#include <doctest/doctest.h>
#include <fcntl.h>

#include "tests/support/files.h"

using cloudmon::ErrorCode;
using cloudmon::ReadFile;

TEST_CASE("ReadFile reads whole files and bounds them") {
  const cloudmon::test::TempDir dir;
  const std::string big(100'000, 'x');
  CHECK(ReadFile(dir.Write("empty", "")).value().empty());
  CHECK(ReadFile(dir.Write("small", "max\n")).value() == "max\n");
  CHECK(ReadFile(dir.Write("big", big)).value() == big);
  CHECK(ReadFile(dir.Write("over", big), 1000).error().code == ErrorCode::kLimit);
  const auto missing = ReadFile(dir.path() + "/missing");
  REQUIRE(!missing.ok());
  CHECK(missing.error().code == ErrorCode::kNotFound);
  CHECK(missing.error().message.find("missing") != std::string::npos);
  CHECK(!ReadFile(dir.path()).ok());  // a directory
}

TEST_CASE("UniqueFd closes once and moves") {
  cloudmon::UniqueFd a(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  REQUIRE(a.valid());
  const int fd = a.get();
  cloudmon::UniqueFd b = std::move(a);
  CHECK(b.get() == fd);
  b.Reset();
  CHECK(::fcntl(fd, F_GETFD) == -1);
}
