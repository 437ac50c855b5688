// SPDX-License-Identifier: Apache-2.0
// SQLite connections and statements that free themselves and report errors as values. The only header of the project
// that knows SQLite's types. A connection and its statements are used by one thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "common/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace cloudmon::store {

// A compiled statement. Must not outlive its connection.
class Statement {
 public:
  Statement() = default;

  // Parameters count from 1 and stay bound until bound again. Text and bytes must stay alive until the statement has
  // been stepped.
  Statement& Bind(int parameter, std::int64_t value);
  Statement& Bind(int parameter, std::string_view text);
  Statement& BindBlob(int parameter, std::string_view bytes);

  // True: there is a row; false: the statement is done. Errors as Connection::Execute().
  Result<bool> Step();
  // Makes the statement ready to be stepped again.
  void Reset();
  // Steps once and resets: for statements without rows.
  Status Run();

  // Columns count from 0. Text and bytes are valid until the next step.
  [[nodiscard]] std::int64_t Int(int column) const;
  [[nodiscard]] std::string_view Text(int column) const;
  [[nodiscard]] std::string_view Blob(int column) const;

 private:
  friend class Connection;
  struct Finalizer {
    void operator()(sqlite3_stmt* statement) const;
  };
  std::unique_ptr<sqlite3_stmt, Finalizer> statement_;
  int bind_error_ = 0;
};

class Connection {
 public:
  enum class Mode : std::uint8_t { kReadWrite, kReadOnly };  // kReadWrite makes the file where there is none
  // Where the index of the -wal file is. In a file beside it, which a full disk may have no room for; or in memory,
  // which locks all other processes out. All connections of a process must agree.
  enum class Index : std::uint8_t { kFile, kMemory };

  static Result<Connection> Open(const std::string& path, Mode mode, Index index = Index::kFile);

  // Runs statements without parameters and results. Errors: kParse where the file is damaged or no database; kDenied
  // where it may not be read or written; kIo for all else (full disk, wrong SQL, busy).
  Status Execute(const std::string& sql);
  Result<Statement> Prepare(std::string_view sql);
  // The first column of the first row; an error also where there is no row.
  Result<std::int64_t> QueryInt(std::string_view sql);
  Result<std::string> QueryText(std::string_view sql);

 private:
  struct Closer {
    void operator()(sqlite3* connection) const;
  };
  std::unique_ptr<sqlite3, Closer> connection_;
};

// A transaction that is rolled back unless committed.
class Transaction {
 public:
  explicit Transaction(Connection& connection) : connection_(connection) {}
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  Status Begin();
  Status Commit();

 private:
  Connection& connection_;
  bool open_ = false;
};

}  // namespace cloudmon::store
