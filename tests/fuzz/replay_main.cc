// Runs a fuzz target without a fuzzer: its corpus, and mutations of it that are always the same.
//   fuzz_NAME [--mutations N] FILE_OR_DIR...     N in all, spread over the files
// Concept: what libFuzzer has found stays found, in every build and with every sanitizer. The last input is written to
//          crash-NAME when the target dies over it, whatever it dies of: `fuzz_NAME crash-NAME` shows it again.
#include "fuzz_input.h"

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <unistd.h>
#include <vector>

#include "brigade/base/prng.h"

extern "C" __attribute__((weak)) void __sanitizer_set_death_callback(void (*callback)());

namespace {

using Input = std::vector<std::uint8_t>;

Input current;
std::string crash_name;

void keep_input() {
  const int file = ::open(crash_name.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0644);
  const bool kept = file >= 0 && ::write(file, current.data(), current.size()) == static_cast<ssize_t>(current.size());
  const std::string_view words = kept ? "\nthe input is in " : "\nthe input could not be written to ";
  for (std::string_view text : {words, std::string_view(crash_name), std::string_view("\n")})
    if (::write(2, text.data(), text.size()) < 0) return;
}

void on_signal(int number) {
  keep_input();
  std::signal(number, SIG_DFL);
  std::raise(number);
}

void run(Input input) {
  current = std::move(input);
  // A copy of its own, so that a sanitizer sees a read behind its end.
  const Input copy(current.begin(), current.end());
  LLVMFuzzerTestOneInput(copy.data(), copy.size());
}

Input read(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::filesystem::filesystem_error("can't read", path, std::make_error_code(std::errc::io_error));
  return {std::istreambuf_iterator<char>(file), {}};
}

void mutate(Input& input, const Input& other, brigade::Prng& prng) {
  constexpr std::uint8_t kTelling[] = {0, 1, 0x7f, 0x80, 0xff, '\n', '\r', ' ', '%', '"', ',', '-', '0', '9', '/'};
  const auto place = [&prng](std::size_t end) { return static_cast<std::ptrdiff_t>(prng.below(end + 1)); };
  const std::uint64_t kind = input.empty() ? 2 + prng.below(2) : prng.below(7);
  const std::ptrdiff_t at = input.empty() ? 0 : place(input.size() - 1);
  switch (kind) {
    case 0:
      input[static_cast<std::size_t>(at)] ^= static_cast<std::uint8_t>(1U << prng.below(8));
      break;
    case 1:
      input[static_cast<std::size_t>(at)] = kTelling[prng.below(std::size(kTelling))];
      break;
    case 2:
      input.insert(input.begin() + at, kTelling[prng.below(std::size(kTelling))]);
      break;
    case 3: {  // a piece of another input
      const std::ptrdiff_t first = place(other.size());
      const std::ptrdiff_t end =
          first + place(std::min<std::size_t>(other.size() - static_cast<std::size_t>(first), 64));
      input.insert(input.begin() + at, other.begin() + first, other.begin() + end);
      break;
    }
    case 4:
      input.erase(
          input.begin() + at,
          input.begin() + at + 1 + place(std::min<std::size_t>(input.size() - static_cast<std::size_t>(at) - 1, 16)));
      break;
    case 5:
      input.resize(static_cast<std::size_t>(at));
      break;
    default: {  // one of its own pieces once more
      const Input piece(input.begin() + at,
                        input.begin() + std::min<std::ptrdiff_t>(at + 32, static_cast<std::ptrdiff_t>(input.size())));
      input.insert(input.begin() + place(input.size()), piece.begin(), piece.end());
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> arguments(argv + 1, argv + argc);
  std::size_t mutations = 0;
  if (arguments.size() >= 2 && arguments[0] == "--mutations") {
    mutations = std::stoul(arguments[1]);
    arguments.erase(arguments.begin(), arguments.begin() + 2);
  }
  if (arguments.empty()) {
    std::cerr << "usage: " << argv[0] << " [--mutations N] FILE_OR_DIR...\n";
    return 2;
  }
  crash_name = "crash-" + std::filesystem::path(argv[0]).filename().string();
  if (__sanitizer_set_death_callback != nullptr) __sanitizer_set_death_callback(keep_input);
  for (const int number : {SIGABRT, SIGSEGV, SIGFPE, SIGILL, SIGBUS}) std::signal(number, on_signal);

  std::vector<std::filesystem::path> paths;
  for (const std::string& argument : arguments) {
    if (!std::filesystem::is_directory(argument))
      paths.emplace_back(argument);
    else
      for (const auto& entry : std::filesystem::directory_iterator(argument)) paths.push_back(entry.path());
  }
  std::ranges::sort(paths);
  std::vector<Input> corpus;
  for (const auto& path : paths) corpus.push_back(read(path));
  if (corpus.empty()) {
    std::cerr << "nothing to replay\n";
    return 1;
  }
  run({});
  for (const Input& input : corpus) run(input);
  brigade::Prng prng(1);
  for (std::size_t i = 0; i < mutations; ++i) {
    Input input = corpus[i % corpus.size()];
    for (std::uint64_t steps = 1 + prng.below(4); steps > 0; --steps)
      mutate(input, corpus[prng.below(corpus.size())], prng);
    run(std::move(input));
  }
  std::cout << corpus.size() << " inputs and " << mutations << " mutations\n";
  return 0;
}
