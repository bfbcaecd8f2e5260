// Text for people: aligned tables, sizes, counts.  Thread: pure functions and values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace brigade::cli {

/// "0 B", "999 B", "1.5 KiB", "31.2 MiB", "2.0 TiB".
std::string human_bytes(std::uint64_t bytes);
/// "1 object", "2 objects"; `plural` where an s is not enough.
std::string counted(std::uint64_t count, std::string_view singular, std::string_view plural = {});

/// Columns as wide as their widest cell, two spaces between; no trailing blanks.
class Table {
 public:
  enum class Align : std::uint8_t { kLeft, kRight };
  struct Column {
    std::string_view title;
    Align align = Align::kLeft;
  };

  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}
  /// Requires a cell for each column.
  void row(std::vector<std::string> cells);
  [[nodiscard]] std::string text() const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

/// Letters to put in, take out or exchange until `a` is `b`; two neighbours that changed places count as one.
std::size_t edit_distance(std::string_view a, std::string_view b);

}  // namespace brigade::cli
