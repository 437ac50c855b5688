// SPDX-License-Identifier: Apache-2.0
// A whole bucket as a blob (docs/store_format.md): what is written as a bucket ends, and read back after a start.
// Pure; safe from any thread.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "aggregator/series/model.h"
#include "aggregator/store/columns.h"
#include "common/result.h"

namespace cloudmon::store {

// The entries of one kind: row i of the columns belongs to the series with number ids[i] (table `series`).
struct DocumentBlock {
  const std::vector<std::int64_t>* ids = nullptr;  // null: no rows; not owned, as the columns
  const ColumnBlock* columns = nullptr;
};

// `blocks` by Kind.
[[nodiscard]] std::string EncodeBucket(const std::array<DocumentBlock, series::kKindCount>& blocks);

struct BucketDocument {
  struct Block {
    std::vector<std::int64_t> ids;
    ColumnBlock columns;  // as many rows
  };
  std::array<Block, series::kKindCount> blocks;  // by Kind
};
// kParse: the blob is damaged, cut off, or of a version that this program does not know.
[[nodiscard]] Result<BucketDocument> DecodeBucket(std::string_view blob);

}  // namespace cloudmon::store
