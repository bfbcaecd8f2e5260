// A scenario's script as values.  Thread: pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "brigade/base/result.h"
#include "brigade/base/time.h"

namespace brigade::sim {

/// "n2", or a part that some node plays at that moment.
struct Who {
  enum class Part : std::uint8_t { kNode, kAll, kCoordinator, kFollowers, kFollower, kCrashed, kInviter };
  Part part = Part::kNode;
  std::size_t node = 0;  ///< index, for kNode
};
using Whos = std::vector<Who>;

/// What `until` waits for and `expect` asks.
struct Condition {
  enum class Kind : std::uint8_t {
    kSettled,
    kCoordinator,  ///< nobody named: there is none
    kServing,
    kSilent,
    kState,  ///< `word`: election, reorganization, normal, stopped
    kUp,     ///< by what is committed
    kDown,
    kRoster,  ///< exactly these
    kAgreed,  ///< equal logs and maps
    kLog,     ///< a transaction was committed: `word` its kind, and `words` in its text
    kEvent,   ///< `word`: its name
    kSent,    ///< `word`: the message's kind
  };
  Kind kind = Kind::kSettled;
  bool negated = false;
  Whos who;
  std::string word;
  std::vector<std::string> words;
};

struct Step {
  enum class Verb : std::uint8_t {
    kComment,
    kStart,
    kCrash,
    kPause,
    kResume,
    kCut,
    kHeal,
    kLose,
    kDelay,
    kSlowDisk,
    kJoin,
    kRemove,
    kDrain,
    kSet,
    kWipe,
    kNewStore,
    kUnreachable,
    kTransactions,
    kRun,
    kUntil,
    kExpect,
  };
  Verb verb = Verb::kComment;
  std::size_t line = 0;
  std::string text;  ///< as it was written, without time and "quietly"
  std::optional<Duration> at;
  bool quietly = false;

  Whos who;
  std::vector<Whos> sides;  ///< of a cut
  bool one_way = false;     ///< from the first side to the second
  Duration low{};
  Duration high{};
  std::uint64_t number = 0;
  std::string name;
  std::string value;
  Condition condition;
};

struct Script {
  std::vector<std::string> title;  ///< the comment at the top, without #
  std::size_t nodes = 3;           ///< in the roster when it begins
  std::size_t machines = 3;        ///< with those that join later
  std::vector<std::string> zones;  ///< of the first machines; the others have none
  std::map<std::string, std::string> settings;
  std::vector<Step> steps;
};

/// Errors: kInvalid, "line 3, word 2 'n9': ...".
Result<Script> parse_script(std::string_view text);

}  // namespace brigade::sim
