#include "thread_role.h"

#include <algorithm>
#include <pthread.h>
#include <sys/resource.h>

namespace brigade::node {

namespace {

constexpr int kAhead = 10;
constexpr int kBehind = 5;

struct Niceness {
  int of_process = getpriority(PRIO_PROCESS, 0);
  bool may_go_first = false;  ///< which is seen by trying

  Niceness() {
    may_go_first = setpriority(PRIO_PROCESS, 0, of_process - kAhead) == 0;
    if (may_go_first) setpriority(PRIO_PROCESS, 0, of_process);
  }
};

}  // namespace

void take_role(ThreadRole role, const char* name) {
  static const Niceness niceness;
  if (name != nullptr) pthread_setname_np(pthread_self(), name);
  int nice = niceness.of_process;
  if (role == ThreadRole::kControl && niceness.may_go_first) nice -= kAhead;
  if (role == ThreadRole::kData && !niceness.may_go_first) nice += kBehind;
  // An error leaves it as it was, and everything works.
  setpriority(PRIO_PROCESS, 0, std::clamp(nice, -20, 19));
}

}  // namespace brigade::node
