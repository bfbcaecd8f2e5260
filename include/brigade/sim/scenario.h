// A small script of what befalls a cluster, and the transcript of what its nodes say to each other.
// Source: design §4; §9 "The simulator as a tool".
// Concept: a step a line, words with blanks between, # for comments. The nodes are the program's own control plane, in
//          a world where datagrams take 1 ms and disks 2 ms, nothing is lost, and chance decides nothing: equal scripts
//          give equal transcripts. tests/sim/scenarios/README.md lists the steps.
// Thread:  one owner.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "brigade/base/result.h"

namespace brigade::sim {

struct ScenarioOutcome {
  struct Transaction {
    std::string kind;
    std::string node;  ///< whom it is about (wire/subject.h); may be empty
  };
  /// For people: steps, messages, events, with their times in ms.
  std::string transcript;
  /// What was expected and did not happen, or which rule of safety was broken; empty if all was well.
  std::string failure;
  std::vector<Transaction> transactions;  ///< committed, in order
};

/// Errors: kInvalid, with the line and the word that can't be understood.
Result<ScenarioOutcome> run_scenario(std::string_view script);

}  // namespace brigade::sim
