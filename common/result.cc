// SPDX-License-Identifier: Apache-2.0
#include "common/result.h"

#include <cerrno>
#include <system_error>

namespace cloudmon {

std::string_view ErrorCodeName(ErrorCode code) {
  switch (code) {
    case ErrorCode::kNotFound:
      return "not_found";
    case ErrorCode::kGone:
      return "gone";
    case ErrorCode::kDenied:
      return "denied";
    case ErrorCode::kParse:
      return "parse";
    case ErrorCode::kTimeout:
      return "timeout";
    case ErrorCode::kLimit:
      return "limit";
    case ErrorCode::kIo:
      return "io";
    case ErrorCode::kInvalid:
      return "invalid";
  }
  return "unknown";
}

Error Wrap(Error error, std::string_view where) {
  error.message.insert(0, std::string(where) + ": ");
  return error;
}

Error ErrnoError(int errno_value, std::string_view where) {
  ErrorCode code = ErrorCode::kIo;
  if (errno_value == ENOENT || errno_value == ENOTDIR) code = ErrorCode::kNotFound;
  if (errno_value == EOPNOTSUPP) code = ErrorCode::kNotFound;  // a pressure file where the kernel has psi=0
  if (errno_value == ENODEV || errno_value == ESRCH) code = ErrorCode::kGone;
  if (errno_value == EACCES || errno_value == EPERM) code = ErrorCode::kDenied;
  return Wrap(Error{code, std::generic_category().message(errno_value)}, where);
}

}  // namespace cloudmon
