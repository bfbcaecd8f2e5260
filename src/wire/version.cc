#include "brigade/wire/version.h"

namespace brigade::wire {

std::string unreadable(std::uint32_t speaks, std::uint32_t version) {
  const std::uint32_t lowest = lowest_read(speaks);
  const bool both = lowest < speaks;
  const std::string known =
      (both ? "versions " + std::to_string(lowest) + " and " : "version ") + std::to_string(speaks);
  return "version " + std::to_string(version) + ", and this program reads " + known +
         (version > speaks ? ": run a newer release" : ": run the releases in between first, one after the other");
}

}  // namespace brigade::wire
