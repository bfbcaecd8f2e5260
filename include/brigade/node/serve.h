// The node as a process: what `brigade serve` runs.  Source: design §7 CLI.
// Concept: one blocking call from reading DIR to the last closed connection. The command line knows nothing else of the
//          layer's inside.
// Thread:  call once, from main.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "brigade/wire/version.h"

namespace brigade::node {

struct ServeOptions {
  std::string data_dir;              ///< made by bootstrap
  std::vector<std::string> disks;    ///< further directories for objects, besides those of the config
  std::vector<std::string> give_up;  ///< disks that are lost
  std::uint32_t speaks = wire::kProtocolVersion;
};

/// Runs the node until SIGTERM or SIGINT, then drains connections. The process' exit code: 0 after a signal, 1 if the
/// node could not start or had to leave; the reason was logged.
int serve(const ServeOptions& options);

}  // namespace brigade::node
