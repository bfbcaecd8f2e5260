// Many seeds of the simulator, on all cores, as long as told.
//   swarm [--first SEED] [--seeds N | --minutes M] [--kind KIND] [--jobs N] [--keep FILE]
//   swarm --kind KIND --trace SEED      one seed, with all that happens in it
//   swarm --kind KIND --shrink SEED     a seed that fails, with as few of its faults as still make it fail
//   swarm --again FILE                  the seeds of a file that --keep wrote
// Each kind is a shape of cluster and faults. Safety is asked for at every step, then the cluster must come together.
// Some seeds run twice, and must do the same again. A seed that fails is printed with the command that replays it, and
// appended to FILE. Exit code 1 if any failed.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <malloc.h>
#include <string>
#include <sys/mman.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include "brigade/sim/kinds.h"
#include "brigade/sim/simulation.h"

namespace brigade::sim {
namespace {

using Clock = std::chrono::steady_clock;
constexpr unsigned long long kFailuresShown = 10;  ///< by one process; more say nothing new
constexpr unsigned long long kTwiceEvery = 50;     ///< of so many seeds one runs twice

struct Arguments {
  std::uint64_t first = 1;
  std::uint64_t seeds = 100;
  double minutes = 0;
  std::string kind = "five";
  unsigned jobs = std::max(1U, std::thread::hardware_concurrency());
  std::string keep;
  std::string again;
  std::uint64_t trace = 0;
  std::uint64_t shrink = 0;
};

[[noreturn]] void usage() {
  std::fputs(
      "usage: swarm [--first SEED] [--seeds N | --minutes M] [--kind KIND] [--jobs N] [--keep FILE]\n"
      "       swarm --kind KIND --trace SEED | --shrink SEED\n"
      "       swarm --again FILE\nkinds:",
      stderr);
  for (const Kind& kind : kinds()) std::fprintf(stderr, "\n  %-10s %s", kind.name, kind.what);
  std::fputs("\n", stderr);
  std::exit(2);
}

Arguments parse(int argc, char** argv) {
  Arguments a;
  for (int i = 1; i < argc; ++i) {
    const std::string flag = argv[i];
    if (i + 1 >= argc) usage();
    const char* value = argv[++i];
    if (flag == "--kind")
      a.kind = value;
    else if (flag == "--minutes")
      a.minutes = std::strtod(value, nullptr);
    else if (flag == "--keep")
      a.keep = value;
    else if (flag == "--again")
      a.again = value;
    else if (flag == "--first")
      a.first = std::strtoull(value, nullptr, 10);
    else if (flag == "--seeds")
      a.seeds = std::strtoull(value, nullptr, 10);
    else if (flag == "--jobs")
      a.jobs = static_cast<unsigned>(std::strtoul(value, nullptr, 10));
    else if (flag == "--trace")
      a.trace = std::strtoull(value, nullptr, 10);
    else if (flag == "--shrink")
      a.shrink = std::strtoull(value, nullptr, 10);
    else
      usage();
  }
  if (find_kind(a.kind) == nullptr || a.jobs == 0) usage();
  return a;
}

/// What a run that was made elsewhere came to. Lies in memory that both processes see.
struct Verdict {
  bool ended = false;
  std::uint64_t steps = 0, transactions = 0, groups = 0, crashes = 0, faults = 0, hash = 0;
  char violation[16'000] = {};

  [[nodiscard]] std::string text() const { return ended ? violation : "a check in a node ended the process"; }
};

/// Memory that is not as it was the first time: other addresses, in another order, and other bytes in what is fresh.
void disturb_memory() {
  ::mallopt(M_PERTURB, 0x5a);
  std::vector<void*> blocks;
  for (std::size_t i = 0; i < 20'000; ++i) blocks.push_back(std::malloc(16 + i * 40503 % 800));
  for (std::size_t i = 0; i < blocks.size(); ++i)
    if (i * 40503 % 7 < 3) std::free(blocks[i]);
}

/// In a process of its own, so that a check that ends it is named with its seed.
void run_apart(const Options& options, Verdict& verdict, bool again = false) {
  verdict = Verdict{};
  const pid_t child = ::fork();
  if (child == 0) {
    if (again) disturb_memory();
    const Outcome outcome = Simulation(options).run();
    verdict.steps = outcome.steps;
    verdict.transactions = outcome.committed;
    verdict.groups = outcome.groups;
    verdict.crashes = outcome.crashes;
    verdict.faults = outcome.faults;
    verdict.hash = outcome.trace_hash;
    std::strncpy(verdict.violation, outcome.violation.c_str(), sizeof verdict.violation - 1);
    verdict.ended = true;
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
}

Verdict& shared_verdict() {
  void* memory = ::mmap(nullptr, sizeof(Verdict), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  return *new (memory) Verdict;
}

void report_failure(const Arguments& a, std::uint64_t seed, const std::string& what) {
  const std::string name = "swarm --kind " + a.kind;
  std::printf("FAILED: %s\nreplay: %s --trace %llu\nshrink: %s --shrink %llu\n", what.c_str(), name.c_str(),
              static_cast<unsigned long long>(seed), name.c_str(), static_cast<unsigned long long>(seed));
  std::fflush(stdout);
  if (a.keep.empty()) return;
  if (std::FILE* file = std::fopen(a.keep.c_str(), "a")) {
    std::fprintf(file, "%s --trace %llu\n", name.c_str(), static_cast<unsigned long long>(seed));
    std::fclose(file);
  }
}

/// One process of `jobs`: every jobs-th seed.
int work(const Arguments& a, unsigned number) {
  const auto began = Clock::now();
  auto passed = [&] { return std::chrono::duration<double>(Clock::now() - began).count(); };
  const Kind& kind = *find_kind(a.kind);
  Verdict& verdict = shared_verdict();
  unsigned long long ran = 0, failed = 0, steps = 0, transactions = 0, groups = 0, crashes = 0, faults = 0;
  for (std::uint64_t i = number; a.minutes > 0 ? passed() < 60 * a.minutes : i < a.seeds; i += a.jobs) {
    run_apart(kind.options(a.first + i), verdict);
    std::string wrong = verdict.text();
    if (wrong.empty() && ran % kTwiceEvery == 0) {
      const std::uint64_t hash = verdict.hash;
      run_apart(kind.options(a.first + i), verdict, true);
      if (verdict.hash != hash) wrong = "seed " + std::to_string(a.first + i) + " does something else the second time";
    }
    if (!wrong.empty()) {
      ++failed;
      report_failure(a, a.first + i, wrong);
      if (failed >= kFailuresShown) break;
    }
    ++ran;
    steps += verdict.steps, transactions += verdict.transactions, groups += verdict.groups;
    crashes += verdict.crashes, faults += verdict.faults;
  }
  std::printf(
      "%s: %llu seeds, %llu failed; %llu faults, %llu crashes, %llu groups, %llu transactions, %llu steps; %.1f s\n",
      a.kind.c_str(), ran, failed, faults, crashes, groups, transactions, steps, passed());
  std::fflush(stdout);
  return failed > 0 ? 1 : 0;
}

/// The part of a violation that another run of the same kind has too: neither moment nor node.
std::string kind_of(const std::string& violation) {
  return violation.find("not together again") != std::string::npos ? "liveness" : violation.empty() ? "" : "safety";
}

int shrink(const Arguments& a) {
  Options options = find_kind(a.kind)->options(a.shrink);
  Verdict& verdict = shared_verdict();
  run_apart(options, verdict);
  const std::string wrong = kind_of(verdict.text());
  if (wrong.empty()) {
    std::puts("this seed does not fail");
    return 0;
  }
  const std::uint64_t faults = verdict.faults == 0 ? 200 : verdict.faults;
  // Halves, quarters, ... single faults are left out, as long as it goes on failing in the same way.
  for (std::uint64_t size = faults; size > 0; size /= 2)
    for (std::uint64_t first = 1; first <= faults; first += size) {
      Options fewer = options;
      for (std::uint64_t n = first; n < std::min(first + size, faults + 1); ++n) fewer.left_out.insert(n);
      if (fewer.left_out.size() == options.left_out.size()) continue;
      run_apart(fewer, verdict);
      if (kind_of(verdict.text()) == wrong) options = fewer;
    }
  std::printf("%llu of %llu faults are enough:\n", static_cast<unsigned long long>(faults - options.left_out.size()),
              static_cast<unsigned long long>(faults));
  options.trace = [](const std::string& line) {
    if (line.find(" gets ") == std::string::npos) std::cout << line << '\n';
  };
  std::cout << Simulation(options).run().violation << std::endl;
  return 1;
}

int trace(const Arguments& a) {
  Options options = find_kind(a.kind)->options(a.trace);
  options.trace = [](const std::string& line) { std::cout << line << '\n'; };
  const Outcome outcome = Simulation(std::move(options)).run();
  std::cout << (outcome.ok() ? "nothing is wrong" : outcome.violation) << std::endl;
  return outcome.ok() ? 0 : 1;
}

/// Each line of the file ends with `--kind KIND --trace SEED`; `#` begins a comment.
int again(const Arguments& a) {
  std::ifstream file(a.again);
  std::string word;
  Arguments one;
  unsigned ran = 0;
  int failed = 0;
  while (file >> word) {
    if (word.starts_with('#')) std::getline(file, word);
    if (word == "--kind") file >> one.kind;
    if (word != "--trace" || !(file >> one.first) || find_kind(one.kind) == nullptr) continue;
    one.seeds = 1;
    ++ran;
    failed |= work(one, 0);
  }
  if (ran == 0) std::fprintf(stderr, "swarm: no seeds in %s\n", a.again.c_str());
  return ran == 0 ? 2 : failed;
}

int run(int argc, char** argv) {
  const Arguments a = parse(argc, argv);
  if (!a.again.empty()) return again(a);
  if (a.trace != 0) return trace(a);
  if (a.shrink != 0) return shrink(a);
  std::vector<pid_t> workers;
  for (unsigned number = 0; number < a.jobs; ++number) {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(work(a, number));
    workers.push_back(child);
  }
  int failed = 0;
  for (const pid_t worker : workers) {
    int status = 0;
    ::waitpid(worker, &status, 0);
    failed |= WIFEXITED(status) ? WEXITSTATUS(status) : 1;
  }
  return failed;
}

}  // namespace
}  // namespace brigade::sim

int main(int argc, char** argv) {
  return brigade::sim::run(argc, argv);
}
