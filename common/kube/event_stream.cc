// SPDX-License-Identifier: Apache-2.0
#include "common/kube/event_stream.h"

namespace cloudmon::kube {

Status EventStream::Add(std::string_view bytes, const TakeLine& take) {
  while (!bytes.empty()) {
    const std::size_t end = bytes.find('\n');
    const std::string_view piece = bytes.substr(0, end);
    if (piece.size() > kMaxLineBytes - rest_.size()) {
      return Error{ErrorCode::kLimit, "an event is longer than " + std::to_string(kMaxLineBytes) + " bytes"};
    }
    if (end == std::string_view::npos) {
      rest_ += piece;
      return Status::Ok();
    }
    bytes.remove_prefix(end + 1);
    // Most lines come whole and need no copy.
    if (!rest_.empty()) rest_ += piece;
    const std::string_view line = rest_.empty() ? piece : std::string_view(rest_);
    Status taken = line.empty() ? Status::Ok() : take(line);
    rest_.clear();
    if (!taken.ok()) return taken;
  }
  return Status::Ok();
}

}  // namespace cloudmon::kube
