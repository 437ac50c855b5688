// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <malloc.h>

namespace cloudmon::bench {

// What the program has allocated and not freed.
inline double HeapBytes() {
  const struct mallinfo2 info = mallinfo2();
  return static_cast<double>(info.uordblks + info.hblkhd);
}

}  // namespace cloudmon::bench
