// Child processes that end with their parent.
// Concept: each child is a process group of its own, so that Ctrl-C reaches only the parent, which then stops them in
//          order; should the parent be killed, the kernel sends them SIGTERM.
// Thread:  main; wait_for_event() wants SIGCHLD, SIGINT and SIGTERM blocked by block_signals() before the first start.
#pragma once

#include <chrono>
#include <string>
#include <sys/types.h>
#include <vector>

#include "brigade/base/result.h"

namespace brigade::cli {

/// Blocks the signals that wait_for_event() reports.
void block_signals();

/// Starts `arguments` (the first is the program), with stdout and stderr appended to `log_path`. Its pid. Errors: kIo.
Result<pid_t> start_child(const std::vector<std::string>& arguments, const std::string& log_path);

struct ChildEvent {
  enum class Kind : std::uint8_t { kTimeout, kStopSignal, kEnded } kind = Kind::kTimeout;
  pid_t pid = 0;    ///< of kEnded
  std::string how;  ///< of kEnded: "exited with 1", "was killed by signal 9"
};
/// A child that ended, a signal to stop, or nothing for `timeout` (negative: for ever).
ChildEvent wait_for_event(std::chrono::milliseconds timeout);

}  // namespace brigade::cli
