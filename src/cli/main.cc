#include "app.h"

#include <csignal>

int main(int argc, char** argv) {
  // A reader that went away, of stdout or of a connection, is an error to handle, not a reason to die.
  std::signal(SIGPIPE, SIG_IGN);
  return brigade::cli::run_app(argc, argv);
}
