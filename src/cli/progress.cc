#include "progress.h"

#include "text.h"

#include <algorithm>
#include <unistd.h>

namespace brigade::cli {
namespace {

constexpr std::size_t kBarCells = 24;
constexpr std::chrono::milliseconds kRedraw{100};
constexpr std::chrono::seconds kNextLine{1};

}  // namespace

std::string progress_text(const ProgressState& state) {
  std::string text = std::to_string(state.files_done - state.failed) + " of " + counted(state.files, state.what);
  if (state.bytes > 0) text += ", " + human_bytes(state.bytes_done) + " of " + human_bytes(state.bytes);
  if (state.failed > 0) text += ", " + std::to_string(state.failed) + " failed";
  return text;
}

std::string progress_line(const ProgressState& state, std::chrono::duration<double> elapsed) {
  // Files without bytes count too, so an empty file moves the bar.
  const auto whole = state.bytes + state.files;
  const auto done = std::min(whole, state.bytes_done + state.files_done);
  const double part = whole == 0 ? 1.0 : static_cast<double>(done) / static_cast<double>(whole);
  const auto filled = static_cast<std::size_t>(part * kBarCells);
  auto percent = std::to_string(static_cast<int>(part * 100));
  percent.insert(0, 3 - percent.size(), ' ');
  std::string line = "[" + std::string(filled, '#') + std::string(kBarCells - filled, '-') + "] " + percent + " %  " +
                     progress_text(state);
  if (state.bytes > 0 && elapsed.count() > 0.2)
    line +=
        ", " + human_bytes(static_cast<std::uint64_t>(static_cast<double>(state.bytes_done) / elapsed.count())) + "/s";
  return line;
}

Progress::Progress(std::FILE* out) : out_(out), terminal_(::isatty(::fileno(out)) == 1) {}

void Progress::update(const ProgressState& state) {
  const auto now = Clock::now();
  if (terminal_) {
    if (shown_ && now - printed_ < kRedraw) return;
    std::fprintf(out_, "\r\x1b[K%s", progress_line(state, elapsed()).c_str());
    std::fflush(out_);
    shown_ = true;
    printed_ = now;
    return;
  }
  const auto tenths = state.files < 10 ? 0 : state.files_done * 10 / state.files;
  if (tenths <= tenths_printed_ || state.files_done == state.files || now - printed_ < kNextLine) return;
  tenths_printed_ = tenths;
  printed_ = now;
  std::fprintf(out_, "%s\n", progress_text(state).c_str());
}

void Progress::clear() {
  if (!shown_) return;
  std::fprintf(out_, "\r\x1b[K");
  std::fflush(out_);
  shown_ = false;
}

StatusLine::StatusLine(std::FILE* out) : out_(out), is_terminal_(::isatty(::fileno(out)) == 1) {}

void StatusLine::show(const std::string& text) {
  const auto now = std::chrono::steady_clock::now();
  if (!is_terminal_ || now - shown_ < std::chrono::milliseconds{100}) return;
  shown_ = now;
  std::fprintf(out_, "\r\033[K%s", text.c_str());
  is_shown_ = true;
}

void StatusLine::clear() {
  if (is_shown_) std::fputs("\r\033[K", out_);
  is_shown_ = false;
}

}  // namespace brigade::cli
