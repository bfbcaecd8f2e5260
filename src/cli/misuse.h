// What is said of a command line that makes no sense.
// Thread:  pure functions.
#pragma once

#include <string>

namespace CLI {
class App;
class ParseError;
}  // namespace CLI

namespace brigade::cli {

/// `word` is no command of `app`: which one may be meant.
std::string no_such_command(const CLI::App& app, const std::string& word);

/// What the parser has against the words of a command of `app`, which it names.
std::string misuse(const CLI::App& app, const CLI::ParseError& error);

}  // namespace brigade::cli
