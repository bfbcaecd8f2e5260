// `brigade`: from the command line to an exit code.
#pragma once

namespace brigade::cli {

/// Parses, runs the subcommand, gives its exit code; 2 and a message on stderr if the command line makes no sense.
int run_app(int argc, const char* const* argv);

}  // namespace brigade::cli
