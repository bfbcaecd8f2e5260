// Many seeds of the simulator, on all cores, as long as told.
//   swarm [--first SEED] [--seeds N | --minutes M] [--kind KIND] [--jobs N] [--keep FILE]
//   swarm --kind KIND --trace SEED      one seed, with all that happens in it
//   swarm --kind KIND --shrink SEED     a seed that fails, with as few of its faults as still make it fail
// Each kind is a shape of cluster and faults. Safety is asked for at every step, then the cluster must come together.
// A seed that fails is printed with the command that replays it, and appended to FILE. Exit code 1 if any failed.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
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

struct Arguments {
  std::uint64_t first = 1;
  std::uint64_t seeds = 100;
  double minutes = 0;
  std::string kind = "five";
  unsigned jobs = std::max(1U, std::thread::hardware_concurrency());
  std::string keep;
  std::uint64_t trace = 0;
  std::uint64_t shrink = 0;
};

[[noreturn]] void usage() {
  std::fputs(
      "usage: swarm [--first SEED] [--seeds N | --minutes M] [--kind KIND] [--jobs N] [--keep FILE]\n"
      "       swarm --kind KIND --trace SEED | --shrink SEED\nkinds:",
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
  std::uint64_t steps = 0, transactions = 0, groups = 0, crashes = 0, faults = 0;
  char violation[16'000] = {};

  [[nodiscard]] std::string text() const { return ended ? violation : "a check in a node ended the process"; }
};

/// In a process of its own, so that a check that ends it is named with its seed.
void run_apart(const Options& options, Verdict& verdict) {
  verdict = Verdict{};
  const pid_t child = ::fork();
  if (child == 0) {
    const Outcome outcome = Simulation(options).run();
    verdict.steps = outcome.steps;
    verdict.transactions = outcome.committed;
    verdict.groups = outcome.groups;
    verdict.crashes = outcome.crashes;
    verdict.faults = outcome.faults;
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
    if (!verdict.text().empty()) {
      ++failed;
      report_failure(a, a.first + i, verdict.text());
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

int run(int argc, char** argv) {
  const Arguments a = parse(argc, argv);
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
