// A thin, strict door to SQLite.
// Concept: an open database and its prepared statements, with failures as Errors. Integers are 64 unsigned bits, stored
//          as SQLite's signed ones, bit for bit.
// Thread:  one owner.
// Errors:  kConflict (another process or connection has it), kNotFound (no file), kNoSpace, kCorrupt (not a database,
// or
//          its pages are damaged), kIo.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "brigade/base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace brigade::store {

/// One prepared statement: bind in order, then step. Lives within its Database.
class Statement {
 public:
  Statement(sqlite3* database, sqlite3_stmt* statement) : database_(database), statement_(statement) {}
  Statement& bind(std::uint64_t value);
  /// The bytes must live until the statement is reset or gone.
  Statement& bind(std::span<const std::byte> value);
  Statement& bind(std::string_view value);
  /// True: there is a row, and the columns can be read until the next step.
  Result<bool> step();
  /// For statements without rows. Parameters can be bound anew after it.
  Status run();

  [[nodiscard]] std::uint64_t column_u64(int column) const;
  [[nodiscard]] std::vector<std::byte> column_bytes(int column) const;

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  sqlite3* database_;
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
  int bound_ = 0;
};

class Database {
 public:
  enum class Mode : std::uint8_t { kExisting, kCreate };
  /// Closing it leaves the write-ahead log as it is, until checkpoint_on_close() is called.
  static Result<Database> open(const std::string& path, Mode mode);

  Status execute(const std::string& sql);
  Result<Statement> prepare(std::string_view sql);
  /// First column of the first row; 0 if there is none.
  Result<std::uint64_t> query_u64(std::string_view sql);
  void checkpoint_on_close();

 private:
  struct Close {
    void operator()(sqlite3* database) const;
  };
  explicit Database(sqlite3* database) : database_(database) {}
  std::unique_ptr<sqlite3, Close> database_;
};

}  // namespace brigade::store
