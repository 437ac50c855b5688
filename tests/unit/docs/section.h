// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace cloudmon::test {

// Compares the text between `<!-- begin NAME -->` and `<!-- end NAME -->` of a document with `text`; with
// UPDATE_GOLDEN=1 in the environment writes it there instead.
void CheckSection(const std::string& document, const std::string& name, const std::string& text);

}  // namespace cloudmon::test
