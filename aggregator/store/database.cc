// SPDX-License-Identifier: Apache-2.0
#include "aggregator/store/database.h"

#include <sqlite3.h>

#include <cstdlib>

namespace cloudmon::store {
namespace {

constexpr int kBusyTimeoutMs = 5000;  // a reader may wait for a checkpoint, never for a writer

Error SqliteError(int code, const char* message) {
  ErrorCode kind = ErrorCode::kIo;
  switch (code & 0xff) {  // the primary code; the rest says more of it
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_FORMAT:
      kind = ErrorCode::kParse;
      break;
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_AUTH:
    case SQLITE_CANTOPEN:
      kind = ErrorCode::kDenied;
      break;
    default:
      break;
  }
  return Error{kind, message};
}

}  // namespace

void Statement::Finalizer::operator()(sqlite3_stmt* statement) const {
  sqlite3_finalize(statement);
}

void Connection::Closer::operator()(sqlite3* connection) const {
  sqlite3_close_v2(connection);
}

Statement& Statement::Bind(int parameter, std::int64_t value) {
  if (const int code = sqlite3_bind_int64(statement_.get(), parameter, value); code != SQLITE_OK) bind_error_ = code;
  return *this;
}

Statement& Statement::Bind(int parameter, std::string_view text) {
  const int code =
      sqlite3_bind_text64(statement_.get(), parameter, text.data(), text.size(), SQLITE_STATIC, SQLITE_UTF8);
  if (code != SQLITE_OK) bind_error_ = code;
  return *this;
}

Statement& Statement::BindBlob(int parameter, std::string_view bytes) {
  const int code = sqlite3_bind_blob64(statement_.get(), parameter, bytes.data(), bytes.size(), SQLITE_STATIC);
  if (code != SQLITE_OK) bind_error_ = code;
  return *this;
}

Result<bool> Statement::Step() {
  if (bind_error_ != SQLITE_OK) return SqliteError(bind_error_, sqlite3_errstr(bind_error_));
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return SqliteError(code, sqlite3_errmsg(sqlite3_db_handle(statement_.get())));
}

void Statement::Reset() {
  sqlite3_reset(statement_.get());  // repeats the error of the last step, which has been reported
  bind_error_ = SQLITE_OK;
}

Status Statement::Run() {
  const Result<bool> stepped = Step();
  Reset();
  if (!stepped.ok()) return stepped.error();
  return Status::Ok();
}

std::int64_t Statement::Int(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

std::string_view Statement::Text(int column) const {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement_.get(), column));
  if (text == nullptr) return {};
  return {text, static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

std::string_view Statement::Blob(int column) const {
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement_.get(), column));
  if (bytes == nullptr) return {};
  return {bytes, static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

Result<Connection> Connection::Open(const std::string& path, Mode mode, Index index) {
  const int access = mode == Mode::kReadOnly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  sqlite3* raw = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &raw, access | SQLITE_OPEN_NOMUTEX,
                                   index == Index::kMemory ? "unix-excl" : nullptr);
  Connection connection;
  connection.connection_.reset(raw);
  if (code != SQLITE_OK) return Wrap(SqliteError(code, raw != nullptr ? sqlite3_errmsg(raw) : "out of memory"), path);
  sqlite3_extended_result_codes(raw, 1);
  sqlite3_busy_timeout(raw, kBusyTimeoutMs);
  return connection;
}

Status Connection::Execute(const std::string& sql) {
  const int code = sqlite3_exec(connection_.get(), sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return SqliteError(code, sqlite3_errmsg(connection_.get()));
  return Status::Ok();
}

Result<Statement> Connection::Prepare(std::string_view sql) {
  sqlite3_stmt* raw = nullptr;
  const int code = sqlite3_prepare_v2(connection_.get(), sql.data(), static_cast<int>(sql.size()), &raw, nullptr);
  Statement statement;
  statement.statement_.reset(raw);
  if (code != SQLITE_OK) return SqliteError(code, sqlite3_errmsg(connection_.get()));
  return statement;
}

Result<std::int64_t> Connection::QueryInt(std::string_view sql) {
  Result<std::string> text = QueryText(sql);
  if (!text.ok()) return text.error();
  return std::strtoll(text.value().c_str(), nullptr, 10);
}

Result<std::string> Connection::QueryText(std::string_view sql) {
  Result<Statement> statement = Prepare(sql);
  if (!statement.ok()) return statement.error();
  const Result<bool> row = statement.value().Step();
  if (!row.ok()) return row.error();
  if (!row.value()) return Error{ErrorCode::kNotFound, "no row: " + std::string(sql)};
  return std::string(statement.value().Text(0));
}

Status Transaction::Begin() {
  Status status = connection_.Execute("BEGIN IMMEDIATE");
  open_ = status.ok();
  return status;
}

Status Transaction::Commit() {
  Status status = connection_.Execute("COMMIT");
  if (status.ok()) open_ = false;
  return status;
}

Transaction::~Transaction() {
  // After some errors (a full disk) SQLite has rolled back by itself and this one fails, which is as good.
  if (open_) (void)connection_.Execute("ROLLBACK");
}

}  // namespace cloudmon::store
