// Scripts against the transcripts that they gave when somebody last read them.
#include "brigade/sim/scenario.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <variant>
#include <vector>

#include <catch2/catch.hpp>

#include "brigade/wire/message.h"

namespace brigade::sim {
namespace {

namespace fs = std::filesystem;

fs::path folder() {
  return fs::path(BRIGADE_TESTS_DIR) / "sim/scenarios";
}

std::vector<fs::path> scenarios() {
  std::vector<fs::path> paths;
  for (const auto& entry : fs::directory_iterator(folder()))
    if (entry.path().extension() == ".scenario") paths.push_back(entry.path());
  std::ranges::sort(paths);
  return paths;
}

fs::path transcript_of(fs::path path) {
  return path.replace_extension(".transcript");
}

std::string content(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

std::vector<std::string> lines(const std::string& text) {
  std::vector<std::string> all;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) all.push_back(line);
  return all;
}

/// The first lines that differ, with the last one that does not.
std::string difference(const std::string& accepted, const std::string& now) {
  const auto was = lines(accepted);
  const auto is = lines(now);
  const auto [a, b] = std::mismatch(was.begin(), was.end(), is.begin(), is.end());
  const auto at = static_cast<std::size_t>(a - was.begin());
  std::string text = "line " + std::to_string(at + 1) + ":\n";
  if (at > 0) text += "    " + was[at - 1] + "\n";
  for (std::size_t i = at; i < std::min(at + 4, was.size()); ++i) text += "  - " + was[i] + "\n";
  for (std::size_t i = at; i < std::min(at + 4, is.size()); ++i) text += "  + " + is[i] + "\n";
  return text;
}

template <std::size_t... I>
std::vector<std::string> message_kinds(std::index_sequence<I...> /*all*/) {
  return {std::string(wire::kind_name(wire::Message(std::in_place_index<I>)))...};
}

TEST_CASE("every scenario goes as it went when its transcript was accepted") {
  const bool accepts = std::getenv("BRIGADE_ACCEPT") != nullptr;
  const char* only = std::getenv("BRIGADE_SCENARIO");
  CHECK(scenarios().size() >= 20);
  for (const fs::path& path : scenarios()) {
    if (only != nullptr && path.stem() != only) continue;
    const auto outcome = run_scenario(content(path));
    INFO(path.filename().string());
    if (!outcome) {
      FAIL_CHECK(outcome.error().detail());
      continue;
    }
    if (accepts) std::ofstream(transcript_of(path), std::ios::binary) << outcome->transcript;
    const std::string accepted = content(transcript_of(path));
    if (outcome->transcript != accepted)
      FAIL_CHECK("another transcript, from "
                 << difference(accepted, outcome->transcript) << "if this is right: BRIGADE_ACCEPT=1 BRIGADE_SCENARIO="
                 << path.stem().string() << " test_sim '*scenario goes*', and read the diff");
    CHECK(outcome->failure == "");
  }
}

TEST_CASE("the transcripts show every kind of message, and every state") {
  std::string all;
  for (const fs::path& path : scenarios()) all += content(transcript_of(path));
  for (const std::string& kind : message_kinds(std::make_index_sequence<std::variant_size_v<wire::Message>>{})) {
    INFO(kind);
    CHECK(all.find(" " + kind + "  ") != std::string::npos);
  }
  for (const char* state : {"state election", "state reorganization", "state normal", "crash"}) {
    INFO(state);
    CHECK(all.find(state) != std::string::npos);
  }
}

TEST_CASE("every transcript belongs to a scenario, and says what the scenario is about") {
  for (const auto& entry : fs::directory_iterator(folder())) {
    if (entry.path().extension() != ".transcript") continue;
    INFO(entry.path().filename().string());
    CHECK(fs::exists(fs::path(entry.path()).replace_extension(".scenario")));
    CHECK(content(entry.path()).starts_with("# "));
  }
}

TEST_CASE("equal scripts give equal transcripts") {
  const std::string script = content(scenarios().front());
  CHECK(run_scenario(script)->transcript == run_scenario(script)->transcript);
}

TEST_CASE("an expectation that fails says where, and how it is") {
  const auto outcome = run_scenario("nodes 3\nstart all\nuntil coordinator n1\nexpect coordinator n2\n");
  REQUIRE(outcome);
  CHECK(outcome->failure.find("line 4, expect coordinator n2: it is not so: n1 leads 2.n1") == 0);
  const auto late = run_scenario("nodes 3\nstart n1\nuntil coordinator n1 within 2s\n");
  REQUIRE(late);
  CHECK(late->failure.find("line 3, until coordinator n1 within 2s: not in time: nobody leads") == 0);
}

TEST_CASE("what can't be understood is named by line and word") {
  auto complaint = [](const char* script) {
    const auto outcome = run_scenario(script);
    return outcome ? std::string("understood") : outcome.error().detail();
  };
  CHECK(complaint("nodes 3\nstrat all\n") == "line 2, word 1 'strat': no such step");
  CHECK(complaint("nodes 3\ncrash n4\n") == "line 2, word 2 'n4': no such node: there are n1 to n3");
  CHECK(complaint("nodes three\n") == "line 1, word 2 'three': a number from 1 to 64 is wanted");
  CHECK(complaint("start all\n\nrun 3\n") == "line 3, word 2 '3': a time is wanted, such as 300ms or 2s");
  CHECK(complaint("start all\nrun\n") == "line 2: ends where a time is wanted");
  CHECK(complaint("cut n1 n2\n").find("line 1, word 3 'n2': a cut has two sides") == 0);
  CHECK(complaint("lose 30\n") == "line 1, word 2 '30': a share is wanted, such as 30%");
  CHECK(complaint("expect leader n1\n").find("line 1, word 2 'leader': no such condition: there are settled") == 0);
  CHECK(complaint("until sent Probes\n").find("line 1, word 3 'Probes': no such kind of message: there are Probe,") ==
        0);
  CHECK(complaint("heal n1\n") == "line 1, word 2 'n1': nothing more is wanted here");
  CHECK(complaint("set lease 1s 2s\nstart all\n") == "line 1, word 4 '2s': nothing more is wanted here");
  CHECK(complaint("set lease soon\nstart all\n").find("the settings that it begins with: setting lease") == 0);
}

}  // namespace
}  // namespace brigade::sim
