#include "brigade/sim/kinds.h"

#include "brigade/base/prng.h"

namespace brigade::sim {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

Options with_seed(std::uint64_t seed) {
  Options options;
  options.seed = seed;
  return options;
}

Options five(std::uint64_t seed) {
  return with_seed(seed);
}

Options brief(std::uint64_t seed) {
  Options options = with_seed(seed);
  options.nodes = 3 + seed % 5;
  options.faults = seconds{3};
  options.fault_interval = milliseconds{200};
  return options;
}

Options joining(std::uint64_t seed) {
  Options options = with_seed(seed);
  options.joining = true;
  options.nodes = 2 + seed % 6;
  return options;
}

Options changing(std::uint64_t seed) {
  Options options = with_seed(seed);
  options.nodes = 5 + seed % 4;
  options.spares = 2;
  options.faults = seconds{12};
  return options;
}

Options large(std::uint64_t seed) {
  Prng prng(seed);
  Options options = with_seed(seed);
  options.nodes = 5 + prng.below(46);
  options.joining = prng.chance(1, 4);
  if (!options.joining) options.spares = prng.below(3);
  options.faults = seconds{30};
  options.heal_limit = seconds{120};
  return options;
}

Options disks(std::uint64_t seed) {
  Options options = brief(seed);
  options.several_disks = true;
  return options;
}

Options upgrading(std::uint64_t seed) {
  Options options = brief(seed);
  options.upgrading = true;
  options.joining = seed % 3 == 0;
  if (!options.joining) options.spares = seed % 2;
  options.faults = seconds{6};
  return options;
}

constexpr Kind kKinds[] = {
    {"five", "five settled nodes, ten seconds of faults", five},
    {"brief", "three to seven settled nodes, three seconds of dense faults", brief},
    {"joining", "two to seven nodes that join while faults go on", joining},
    {"changing", "three to six settled nodes, some of them replaced while faults go on", changing},
    {"disks", "three to seven settled nodes with several disks each, some of which fail", disks},
    {"upgrading", "three to seven nodes, settled or joining, that get the next release, and some the old one again",
     upgrading},
    {"large", "5 to 50 nodes, settled or joining, thirty seconds of faults", large},
};

}  // namespace

std::span<const Kind> kinds() {
  return kKinds;
}

const Kind* find_kind(std::string_view name) {
  for (const Kind& kind : kKinds)
    if (name == kind.name) return &kind;
  return nullptr;
}

}  // namespace brigade::sim
