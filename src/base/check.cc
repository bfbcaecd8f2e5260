#include "brigade/base/check.h"

#include <cstdio>
#include <cstdlib>

namespace brigade::detail {

void check_failed(const char* file, int line, const char* expression, const std::string& detail) {
  // stdio, not a logger: the logger may be what is broken, and its queue would die with the process.
  std::fprintf(stderr, "%s:%d: check failed: %s: %s\n", file, line, expression, detail.c_str());
  std::fflush(stderr);
  std::abort();
}

}  // namespace brigade::detail
