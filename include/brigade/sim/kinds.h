// Shapes of simulated clusters and of what befalls them, by name.  Thread: pure functions.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "brigade/sim/options.h"

namespace brigade::sim {

struct Kind {
  const char* name;
  const char* what;
  Options (*options)(std::uint64_t seed);
};
std::span<const Kind> kinds();
/// Null if there is none of this name.
const Kind* find_kind(std::string_view name);

}  // namespace brigade::sim
