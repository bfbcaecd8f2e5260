// How far a long command is, on stderr: a bar that moves on a terminal, a line now and then elsewhere.
// Concept: progress_line() is the text; Progress decides when to print it.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>

namespace brigade::cli {

struct ProgressState {
  std::uint64_t files_done = 0;  ///< failed ones, too
  std::uint64_t files = 0;
  std::uint64_t failed = 0;
  std::uint64_t bytes_done = 0;
  std::uint64_t bytes = 0;  ///< 0: they are not counted
  std::string what = "file";
};

/// "64 of 200 files, 10.0 MiB of 40.0 MiB, 2 failed"; bytes only if they are counted.
std::string progress_text(const ProgressState& state);
/// "[########----------------]  33 %  64 of 200 files, 10.0 MiB of 40.0 MiB, 2 failed, 5.0 MiB/s"
std::string progress_line(const ProgressState& state, std::chrono::duration<double> elapsed);

class Progress {
 public:
  using Clock = std::chrono::steady_clock;
  /// `out` is watched for being a terminal.
  explicit Progress(std::FILE* out);
  /// Prints if there is something new and enough time went by; where there is no terminal, a second and a tenth of the
  /// files, too.
  void update(const ProgressState& state);
  /// Takes the bar away, for a message or the end.
  void clear();
  [[nodiscard]] std::chrono::duration<double> elapsed() const { return Clock::now() - started_; }

 private:
  std::FILE* out_;
  bool terminal_;
  bool shown_ = false;
  Clock::time_point started_ = Clock::now();
  Clock::time_point printed_ = started_;
  std::uint64_t tenths_printed_ = 0;
};

/// A line on a terminal that is written over; nothing elsewhere.
class StatusLine {
 public:
  explicit StatusLine(std::FILE* out);
  ~StatusLine() { clear(); }
  StatusLine(const StatusLine&) = delete;
  StatusLine& operator=(const StatusLine&) = delete;
  /// Not more often than ten times a second.
  void show(const std::string& text);
  void clear();

 private:
  std::FILE* out_;
  bool is_terminal_;
  bool is_shown_ = false;
  std::chrono::steady_clock::time_point shown_;
};

}  // namespace brigade::cli
