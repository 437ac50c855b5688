// SPDX-License-Identifier: Apache-2.0
#include "aggregator/store/bucket_document.h"

#include <zstd.h>

#include <memory>
#include <utility>

#include "aggregator/store/chunk_bits.h"

namespace cloudmon::store {
namespace {

constexpr char kVersion = 1;
constexpr int kLevel = 1;                                // higher ones save less than 1 %
constexpr unsigned long long kMaxBytes = 256ULL << 20U;  // of a document before compression

void AppendIds(const std::vector<std::int64_t>& ids, std::string& out) {
  AppendVarint(out, ids.size());
  std::uint64_t last = 0;
  for (const std::int64_t id : ids) {
    AppendVarint(out, ZigZag(static_cast<std::uint64_t>(id) - last));
    last = static_cast<std::uint64_t>(id);
  }
}

bool TakeIds(std::string_view& bytes, std::vector<std::int64_t>& ids) {
  std::uint64_t count = 0;
  if (!TakeVarint(bytes, count) || count > bytes.size()) return false;
  ids.reserve(count);
  std::uint64_t last = 0;
  for (; count > 0; --count) {
    std::uint64_t step = 0;
    if (!TakeVarint(bytes, step)) return false;
    last += UnZigZag(step);
    ids.push_back(static_cast<std::int64_t>(last));
  }
  return true;
}

std::string Compress(std::string_view content) {
  const std::unique_ptr<ZSTD_CCtx, decltype(&ZSTD_freeCCtx)> context(ZSTD_createCCtx(), ZSTD_freeCCtx);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel, kLevel);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_checksumFlag, 1);
  std::string out(1 + ZSTD_compressBound(content.size()), kVersion);
  out.resize(1 + ZSTD_compress2(context.get(), out.data() + 1, out.size() - 1, content.data(), content.size()));
  return out;
}

Error Damaged(const std::string& what) {
  return Error{ErrorCode::kParse, "the bucket document " + what};
}

Result<std::string> Decompress(std::string_view frame) {
  const unsigned long long size = ZSTD_getFrameContentSize(frame.data(), frame.size());
  if (size > kMaxBytes) return Damaged("is damaged: it does not begin as a frame of zstd does");  // errors are larger
  std::string content(size, '\0');
  const std::size_t taken = ZSTD_decompress(content.data(), content.size(), frame.data(), frame.size());
  if (ZSTD_isError(taken) != 0) return Damaged(std::string("is damaged: ") + ZSTD_getErrorName(taken));
  if (taken != size) return Damaged("is cut off");
  return content;
}

}  // namespace

std::string EncodeBucket(const std::array<DocumentBlock, series::kKindCount>& blocks) {
  std::string content;
  for (const DocumentBlock& block : blocks) {
    const bool any = block.ids != nullptr && !block.ids->empty();
    AppendIds(any ? *block.ids : std::vector<std::int64_t>(), content);
    if (any) block.columns->AppendTo(content);
  }
  return Compress(content);
}

Result<BucketDocument> DecodeBucket(std::string_view blob) {
  if (blob.empty()) return Damaged("is empty");
  if (blob.front() != kVersion) return Damaged("has a version that this program does not know");
  const Result<std::string> content = Decompress(blob.substr(1));
  if (!content.ok()) return content.error();
  std::string_view bytes = content.value();
  BucketDocument document;
  for (BucketDocument::Block& block : document.blocks) {
    if (!TakeIds(bytes, block.ids)) return Damaged("is damaged: series");
    if (block.ids.empty()) continue;
    if (!ColumnBlock::TakeFrom(bytes, block.ids.size(), block.columns)) return Damaged("is damaged: columns");
  }
  if (!bytes.empty()) return Damaged("is damaged: it goes on behind its end");
  return document;
}

}  // namespace cloudmon::store
