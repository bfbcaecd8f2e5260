#include "misuse.h"

#include "text.h"

#include <cstddef>
#include <string_view>

#include <CLI/CLI.hpp>

namespace brigade::cli {

std::string no_such_command(const CLI::App& app, const std::string& word) {
  std::string nearest;
  std::size_t least = 3;  // as many slips of the pen as a suggestion may assume
  for (const CLI::App* command : app.get_subcommands({})) {
    const std::size_t slips = edit_distance(word, command->get_name());
    if (slips < least) least = slips, nearest = command->get_name();
  }
  return "there is no command " + word + (nearest.empty() ? ":" : ": did you mean " + nearest + "?") +
         " `brigade --help` lists them";
}

std::string misuse(const CLI::App& app, const CLI::ParseError& error) {
  std::string command;
  for (const CLI::App* at = &app; !at->get_subcommands().empty();) {
    at = at->get_subcommands().front();
    command += (command.empty() ? "" : " ") + at->get_name();
  }
  std::string what = error.what();
  for (const std::string_view parsers :
       {"The following argument was not expected: ", "The following arguments were not expected: "})
    if (what.starts_with(parsers)) what = "there is no " + what.substr(parsers.size());
  if (const std::string_view parsers = "Could not convert: "; what.starts_with(parsers))
    what = what.substr(parsers.size()) + " can't be understood";
  const std::string named = command.empty() ? "" : command + " ";
  return (command.empty() ? "" : command + ": ") + what + "; `brigade " + named + "--help` says more";
}

}  // namespace brigade::cli
