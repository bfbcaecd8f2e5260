#include "thread_role.h"

#include <algorithm>
#include <pthread.h>
#include <sys/resource.h>

namespace brigade::node {

void take_role(ThreadRole role, const char* name) {
  constexpr int kAhead = 10;
  static const int nice_of_process = getpriority(PRIO_PROCESS, 0);
  if (name != nullptr) pthread_setname_np(pthread_self(), name);
  const int nice = role == ThreadRole::kControl ? nice_of_process - kAhead : nice_of_process;
  // An error (most often: not allowed) leaves it as it was, and everything works.
  setpriority(PRIO_PROCESS, 0, std::max(nice, -20));
}

}  // namespace brigade::node
