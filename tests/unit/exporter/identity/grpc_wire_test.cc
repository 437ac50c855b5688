// SPDX-License-Identifier: Apache-2.0
#include "exporter/identity/grpc_wire.h"

#include <doctest/doctest.h>

#include "common/utf8.h"

namespace cloudmon::identity {
namespace {

using namespace std::string_literals;

TEST_CASE("FrameMessage and ParseFrame") {
  CHECK(FrameMessage("") == "\0\0\0\0\0"s);
  CHECK(FrameMessage("abc") == "\0\0\0\0\3abc"s);
  CHECK(FrameMessage(std::string(0x010203, 'x')).substr(0, 5) == "\0\0\1\2\3"s);
  for (const std::string& message : {""s, "abc"s, std::string(70'000, 'x'), "\0\1\2"s}) {
    const std::string frame = FrameMessage(message);
    const auto parsed = ParseFrame(frame);
    REQUIRE(parsed.ok());
    CHECK(parsed.value() == message);
  }
}

TEST_CASE("ParseFrame: bad input") {
  const std::string frame = FrameMessage("some message");
  for (std::size_t length = 0; length < frame.size(); ++length) {
    CAPTURE(length);
    CHECK(!ParseFrame(std::string_view(frame).substr(0, length)).ok());
  }
  const auto bad = [](const std::string& body, std::string_view why) {
    CAPTURE(why);
    const auto parsed = ParseFrame(body);
    REQUIRE(!parsed.ok());
    CHECK(parsed.error().code == ErrorCode::kParse);
    CHECK(parsed.error().message.find(why) != std::string::npos);
  };
  bad("", "cut short");
  bad("\1\0\0\0\0"s, "compressed");
  bad("<html></html>", "compressed");
  bad("\0\xff\xff\xff\xff"s, "announces 4294967295 bytes and has 0");
  bad(frame + "x", "announces 12 bytes and has 13");
  bad(frame + frame, "announces 12");
}

TEST_CASE("ReadTrailer") {
  const auto f = [](std::string_view line, std::optional<int> status, std::string_view message) {
    CAPTURE(line);
    GrpcTrailers trailers;
    ReadTrailer(line, trailers);
    CHECK(trailers.status == status);
    CHECK(trailers.message == message);
  };
  f("grpc-status: 0\r\n", 0, "");
  f("grpc-status:12", 12, "");
  f("grpc-status: 17\r\n", 2, "");
  f("grpc-status: -1\r\n", 2, "");
  f("grpc-status: \r\n", 2, "");
  f("grpc-status", 2, "");
  f("grpc-message: unknown service%20x\r\n", {}, "unknown service x");
  f("grpc-message: 100%, %zz %4", {}, "100%, %zz %4");
  f("grpc-message: %E2%82%AC %ff", {}, "\xE2\x82\xAC \xEF\xBF\xBD");
  f("grpc-message: " + std::string(5'000, 'x'), {}, std::string(1'024, 'x'));
  f("content-type: application/grpc\r\n", {}, "");
  f("HTTP/2 200 \r\n", {}, "");
  f("\r\n", {}, "");
  f("", {}, "");
  f("\xff\xfe\x00:", {}, "");
}

TEST_CASE("GrpcError") {
  const auto f = [](std::optional<int> status, const std::string& message, ErrorCode code, std::string_view text) {
    const Error error = GrpcError({status, message});
    CHECK(error.code == code);
    CHECK(error.message == text);
  };
  f(12, "unknown service", ErrorCode::kIo, "unknown service (gRPC status 12)");
  f(4, "", ErrorCode::kTimeout, "refused (gRPC status 4)");
  f(5, "x", ErrorCode::kNotFound, "x (gRPC status 5)");
  f(7, "x", ErrorCode::kDenied, "x (gRPC status 7)");
  f(16, "x", ErrorCode::kDenied, "x (gRPC status 16)");
  f(8, "x", ErrorCode::kLimit, "x (gRPC status 8)");
  f({}, "x", ErrorCode::kIo, "x (gRPC status 2)");
}

}  // namespace
}  // namespace cloudmon::identity
