// SPDX-License-Identifier: Apache-2.0
// Expected failures as values: an Error says what went wrong and where; Result<T> is a T or an Error.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace cloudmon {

enum class ErrorCode : std::uint8_t {
  kNotFound,  // the thing is not there: sample absent
  kGone,      // it was there and went away while being read: normal for a cgroup
  kDenied,    // no permission
  kParse,     // the text is not what its format says
  kTimeout,   // no answer in time
  kLimit,     // a limit of ours was exceeded; the message names it
  kIo,        // any other failure of the system
  kInvalid,   // a setting or parameter has a value that is not allowed
};

// Returns the code's name for logs and the label `reason`, e.g. "not_found". Static storage.
[[nodiscard]] std::string_view ErrorCodeName(ErrorCode code);

struct Error {
  ErrorCode code = ErrorCode::kIo;
  std::string message;  // "pod7/memory.stat: anon: not a whole number: 'x'"
};

// Puts `where` and ": " before the message: each layer adds where it was.
[[nodiscard]] Error Wrap(Error error, std::string_view where);

// Returns an Error whose message ends in the text of `errno_value`. ENOENT and EOPNOTSUPP are kNotFound, ENODEV and
// ESRCH kGone, EACCES and EPERM kDenied.
[[nodiscard]] Error ErrnoError(int errno_value, std::string_view where);

// A T or an Error. value() and error() require the matching ok(). As thread-safe as T.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT: implicit on purpose
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT: implicit on purpose

  bool ok() const { return state_.index() == 0; }
  T& value() & { return std::get<0>(state_); }
  const T& value() const& { return std::get<0>(state_); }
  T&& value() && { return std::get<0>(std::move(state_)); }
  Error& error() { return std::get<1>(state_); }
  const Error& error() const { return std::get<1>(state_); }

 private:
  std::variant<T, Error> state_;
};

// Success without a value, or an Error: `return Status::Ok();`
class [[nodiscard]] Status : public Result<std::monostate> {
 public:
  using Result::Result;
  static Status Ok() { return Status(std::monostate{}); }
};

}  // namespace cloudmon
