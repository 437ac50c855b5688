// SPDX-License-Identifier: Apache-2.0
#include "common/kube/retry.h"

#include <algorithm>
#include <utility>

namespace cloudmon::kube {

std::chrono::milliseconds Retry::Failed(ErrorCode code) {
  using std::chrono::milliseconds;
  using std::chrono::seconds;
  if (code == ErrorCode::kGone && !std::exchange(was_gone_, true)) return milliseconds{0};
  ++failures_in_row_;
  if (failures_in_row_ == 1) return milliseconds{0};
  constexpr int kMostDoublings = 5;
  const milliseconds most =
      std::min<milliseconds>(seconds{1 << std::min(failures_in_row_ - 2, kMostDoublings)}, seconds{30});
  return most - milliseconds{static_cast<std::int64_t>(random_()) % (most.count() / 2 + 1)};
}

void Retry::Succeeded() {
  failures_in_row_ = 0;
  was_gone_ = false;
}

}  // namespace cloudmon::kube
