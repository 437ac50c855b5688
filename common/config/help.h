// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/config/options.h"

namespace cloudmon::config {

// The text of --help: usage, summary, the flags in groups by the first part of their names, the file. Pure.
std::string HelpText(std::string_view program, std::string_view summary, const std::vector<Option>& options,
                     const Argument& argument);

// The rows of the table in README.md. Pure.
std::string MarkdownRows(const std::vector<Option>& options);

}  // namespace cloudmon::config
