// SPDX-License-Identifier: Apache-2.0
// The database file: its tables, its settings, and whether an existing one can be used.
#pragma once

#include <cstdint>
#include <string>

#include "aggregator/store/database.h"
#include "common/result.h"

namespace cloudmon::store {

inline constexpr std::int64_t kFormatVersion = 2;

// Opens the database for writing, making it where there is none. Errors: kParse where it is damaged or of a newer
// format; kInvalid where it was made with another interval (the message says what to do); kDenied and kIo.
Result<Connection> OpenForWriting(const std::string& file, std::int64_t interval_seconds,
                                  Connection::Index index = Connection::Index::kFile);

// The width of the buckets of an existing database. Error: kParse where it is damaged or of another format.
Result<std::int64_t> IntervalSeconds(Connection& db);

}  // namespace cloudmon::store
