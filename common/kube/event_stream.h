// SPDX-License-Identifier: Apache-2.0
// The lines of a watch, however the bytes are cut. Pure. One thread at a time.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "common/result.h"

namespace cloudmon::kube {

class EventStream {
 public:
  static constexpr std::size_t kMaxLineBytes = 4U << 20U;  // the server's own limit of an object is 1.5 MiB

  using TakeLine = std::function<Status(std::string_view line)>;

  // Calls `take` for each line that is complete now; empty lines are skipped. Errors: the first of `take`, after which
  // nothing more is taken; kLimit for a line that is too long.
  Status Add(std::string_view bytes, const TakeLine& take);

 private:
  std::string rest_;  // of the line that is not complete
};

}  // namespace cloudmon::kube
