#include "sqlite.h"

#include <sqlite3.h>

#include "brigade/base/check.h"

namespace brigade::store {
namespace {

Error failure(sqlite3* database, int result) {
  const std::string text = database == nullptr ? sqlite3_errstr(result) : sqlite3_errmsg(database);
  switch (result & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return {Errc::kConflict, "the database is open elsewhere (" + text + "); stop the other process first"};
    case SQLITE_FULL:
      return {Errc::kNoSpace, "the disk is full (" + text + "); free some space"};
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return {Errc::kCorrupt, "the database is damaged (" + text + ")"};
    default:
      return {Errc::kIo, "the database failed (" + text + "); check the disk, its file system and the permissions"};
  }
}

}  // namespace

void Statement::Finalize::operator()(sqlite3_stmt* statement) const {
  sqlite3_finalize(statement);
}
void Database::Close::operator()(sqlite3* database) const {
  sqlite3_close_v2(database);
}

Statement& Statement::bind(std::uint64_t value) {
  BRIGADE_CHECK(sqlite3_bind_int64(statement_.get(), ++bound_, static_cast<sqlite3_int64>(value)) == SQLITE_OK,
                "parameter " << bound_);
  return *this;
}

Statement& Statement::bind(std::span<const std::byte> value) {
  // A null pointer would bind NULL instead of an empty blob.
  const void* data = value.empty() ? static_cast<const void*>("") : value.data();
  BRIGADE_CHECK(sqlite3_bind_blob64(statement_.get(), ++bound_, data, value.size(), SQLITE_STATIC) == SQLITE_OK,
                "parameter " << bound_);
  return *this;
}

Statement& Statement::bind(std::string_view value) {
  BRIGADE_CHECK(sqlite3_bind_text64(statement_.get(), ++bound_, value.data(), value.size(), SQLITE_STATIC,
                                    SQLITE_UTF8) == SQLITE_OK,
                "parameter " << bound_);
  return *this;
}

Result<bool> Statement::step() {
  const int result = sqlite3_step(statement_.get());
  if (result == SQLITE_ROW) return true;
  if (result == SQLITE_DONE) return false;
  return failure(database_, result);
}

Status Statement::run() {
  const Result<bool> row = step();
  if (!row) return row.error();
  BRIGADE_CHECK(!*row, "a statement that was not to have rows has one");
  sqlite3_reset(statement_.get());
  bound_ = 0;
  return {};
}

std::uint64_t Statement::column_u64(int column) const {
  return static_cast<std::uint64_t>(sqlite3_column_int64(statement_.get(), column));
}

std::vector<std::byte> Statement::column_bytes(int column) const {
  const auto* data = static_cast<const std::byte*>(sqlite3_column_blob(statement_.get(), column));
  const int size = sqlite3_column_bytes(statement_.get(), column);
  if (data == nullptr) return {};
  return {data, data + size};
}

Result<Database> Database::open(const std::string& path, Mode mode) {
  sqlite3* raw = nullptr;
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (mode == Mode::kCreate ? SQLITE_OPEN_CREATE : 0);
  const int result = sqlite3_open_v2(path.c_str(), &raw, flags, nullptr);
  Database database(raw);
  if (result != SQLITE_OK) return failure(raw, result);
  sqlite3_extended_result_codes(raw, 1);
  sqlite3_db_config(raw, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  sqlite3_db_config(raw, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  return database;
}

Status Database::execute(const std::string& sql) {
  const int result = sqlite3_exec(database_.get(), sql.c_str(), nullptr, nullptr, nullptr);
  if (result != SQLITE_OK) return failure(database_.get(), result);
  return {};
}

Result<Statement> Database::prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  const int result = sqlite3_prepare_v2(database_.get(), sql.data(), static_cast<int>(sql.size()), &statement, nullptr);
  if (result != SQLITE_OK) return failure(database_.get(), result);
  return Statement(database_.get(), statement);
}

Result<std::uint64_t> Database::query_u64(std::string_view sql) {
  Result<Statement> statement = prepare(sql);
  if (!statement) return statement.error();
  const Result<bool> row = statement->step();
  if (!row) return row.error();
  return *row ? statement->column_u64(0) : 0;
}

void Database::checkpoint_on_close() {
  sqlite3_db_config(database_.get(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, nullptr);
}

}  // namespace brigade::store
