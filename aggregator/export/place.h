// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <istream>
#include <string>

namespace cloudmon::exports {

// "line 3, column 14": where the last token within the first `bytes` of a JSON text begins; columns count bytes. Reads
// `in` from its beginning. Pure but for that.
[[nodiscard]] std::string PlaceOfLastToken(std::istream& in, std::int64_t bytes);

}  // namespace cloudmon::exports
