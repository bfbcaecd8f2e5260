// BRIGADE_CHECK: a programmer's error ends the process, in every build, and prints the values.
// Never for input from network, disk or user: those get an Error.
#pragma once

#include <sstream>
#include <string>

namespace brigade::detail {
[[noreturn]] void check_failed(const char* file, int line, const char* expression, const std::string& detail);
}  // namespace brigade::detail

/// BRIGADE_CHECK(cond, "text " << value): the longer name, because Catch2 has taken the short one.
#define BRIGADE_CHECK(cond, message)                                   \
  ((cond) ? static_cast<void>(0)                                       \
          : ::brigade::detail::check_failed(__FILE__, __LINE__, #cond, \
                                            static_cast<std::ostringstream&&>(std::ostringstream() << message).str()))
