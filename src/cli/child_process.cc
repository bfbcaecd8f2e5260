#include "child_process.h"

#include "open_file.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace brigade::cli {
namespace {

sigset_t watched_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGCHLD, SIGINT, SIGTERM}) sigaddset(&signals, signal);
  return signals;
}

ChildEvent ended(pid_t pid, int status) {
  ChildEvent event;
  event.kind = ChildEvent::Kind::kEnded;
  event.pid = pid;
  event.how = WIFSIGNALED(status) ? "was killed by signal " + std::to_string(WTERMSIG(status))
                                  : "exited with " + std::to_string(WEXITSTATUS(status));
  return event;
}

/// In the child, between fork and exec: only calls that are safe there.
[[noreturn]] void become(char* const* arguments, int log_fd, pid_t parent) {
  const sigset_t signals = watched_signals();
  ::sigprocmask(SIG_UNBLOCK, &signals, nullptr);
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != parent) ::_exit(1);  // it died before prctl
  const int null_fd = ::open("/dev/null", O_RDONLY);
  if (null_fd < 0 || ::dup2(null_fd, STDIN_FILENO) < 0) ::_exit(1);
  if (::dup2(log_fd, STDOUT_FILENO) < 0 || ::dup2(log_fd, STDERR_FILENO) < 0) ::_exit(1);
  ::execv(arguments[0], arguments);
  ::_exit(127);
}

}  // namespace

void block_signals() {
  const sigset_t signals = watched_signals();
  ::sigprocmask(SIG_BLOCK, &signals, nullptr);
}

Result<pid_t> start_child(const std::vector<std::string>& arguments, const std::string& log_path) {
  const OpenFile log(log_path, O_WRONLY | O_CREAT | O_APPEND, 0600);
  if (!log.is_open()) return Error{Errc::kIo, log_path + " can't be written: " + std::strerror(errno)};
  std::vector<char*> pointers;
  for (const auto& argument : arguments) pointers.push_back(const_cast<char*>(argument.c_str()));
  pointers.push_back(nullptr);
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child < 0) return Error{Errc::kIo, arguments.front() + " can't be started: " + std::strerror(errno)};
  if (child == 0) become(pointers.data(), log.fd(), parent);
  return child;
}

ChildEvent wait_for_event(std::chrono::milliseconds timeout) {
  const sigset_t signals = watched_signals();
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  while (true) {
    // First, because one SIGCHLD may stand for several children.
    int status = 0;
    if (const pid_t pid = ::waitpid(-1, &status, WNOHANG); pid > 0) return ended(pid, status);
    siginfo_t info{};
    int signal = 0;
    if (timeout.count() < 0) {
      signal = ::sigwaitinfo(&signals, &info);
    } else {
      const auto left =
          std::max<std::chrono::nanoseconds>(deadline - std::chrono::steady_clock::now(), std::chrono::nanoseconds{0});
      const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
      const timespec wait{seconds.count(), (left - seconds).count()};
      signal = ::sigtimedwait(&signals, &info, &wait);
    }
    ChildEvent event;
    if (signal == SIGINT || signal == SIGTERM) event.kind = ChildEvent::Kind::kStopSignal;
    if (signal != SIGCHLD && (signal > 0 || errno == EAGAIN)) return event;
  }
}

}  // namespace brigade::cli
