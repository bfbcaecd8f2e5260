// From text to steps.
#include "scenario_script.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <chrono>
#include <span>
#include <utility>

#include "brigade/base/settings.h"
#include "brigade/cluster/effects.h"
#include "brigade/wire/message.h"
#include "brigade/wire/transaction.h"

namespace brigade::sim {

namespace {

constexpr Duration kPatience = std::chrono::seconds{10};  ///< of an `until` that names none
constexpr std::size_t kMachinesMax = 64;

/// The first thing that can't be understood.
struct Misread {
  std::string what;
};

template <class Variant, std::size_t... I>
std::vector<std::string_view> kind_names(std::index_sequence<I...> /*all*/) {
  return {kind_name(Variant(std::in_place_index<I>))...};
}
template <class Variant>
std::vector<std::string_view> kind_names() {
  return kind_names<Variant>(std::make_index_sequence<std::variant_size_v<Variant>>{});
}

std::vector<std::string_view> event_names() {
  std::vector<std::string_view> names;
  for (int i = 0; i <= static_cast<int>(cluster::Event::Kind::kOutdated); ++i)
    names.push_back(cluster::event_name(static_cast<cluster::Event::Kind>(i)));
  return names;
}

std::vector<std::string> words_of(std::string_view line) {
  std::vector<std::string> words;
  std::string word;
  for (char c : line.substr(0, line.find('#'))) {
    if (std::isspace(static_cast<unsigned char>(c)) == 0) {
      word += c;
    } else if (!word.empty()) {
      words.push_back(std::exchange(word, {}));
    }
  }
  if (!word.empty()) words.push_back(word);
  return words;
}

std::string joined(std::span<const std::string> words) {
  std::string text;
  for (const std::string& word : words) text.append(text.empty() ? "" : " ").append(word);
  return text;
}

/// The index of "n3"; nothing if that is no node's name.
std::optional<std::size_t> node_index(std::string_view word) {
  if (word.size() < 2 || word[0] != 'n') return std::nullopt;
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(word.data() + 1, word.data() + word.size(), number);
  if (error != std::errc{} || end != word.data() + word.size() || number == 0 || number > kMachinesMax)
    return std::nullopt;
  return number - 1;
}

/// One line, word by word.
class Line {
 public:
  Line(std::size_t number, std::vector<std::string> words, const Script& script)
      : number_(number), words_(std::move(words)), script_(script) {}

  [[nodiscard]] bool at_end() const { return at_ == words_.size(); }
  [[nodiscard]] std::string rest() const { return joined(std::span(words_).subspan(at_)); }
  [[nodiscard]] bool is_next(std::string_view word) const { return !at_end() && words_[at_] == word; }
  bool skip(std::string_view word) {
    if (!is_next(word)) return false;
    ++at_;
    return true;
  }
  std::string word(std::string_view wanted) {
    if (at_end())
      throw Misread{"line " + std::to_string(number_) + ": ends where " + std::string(wanted) + " is wanted"};
    return words_[at_++];
  }
  [[noreturn]] void fail(const std::string& why) const {
    const std::size_t at = at_ == 0 ? 0 : at_ - 1;
    throw Misread{"line " + std::to_string(number_) + ", word " + std::to_string(at + 1) + " '" + words_[at] +
                  "': " + why};
  }
  void end() {
    if (at_end()) return;
    ++at_;
    fail("nothing more is wanted here");
  }

  std::uint64_t number(std::uint64_t most) {
    const std::string text = word("a number");
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || value > most)
      fail("a number up to " + std::to_string(most) + " is wanted");
    return value;
  }
  Duration time() {
    const auto parsed = parse_duration(word("a time"));
    if (!parsed) fail("a time is wanted, such as 300ms or 2s");
    return *parsed;
  }
  /// "20ms..200ms", or "20ms" for both.
  std::pair<Duration, Duration> times() {
    const std::string text = word("a time");
    const auto dots = text.find("..");
    const auto low = parse_duration(text.substr(0, dots));
    const auto high = dots == std::string::npos ? low : parse_duration(text.substr(dots + 2));
    if (!low || !high || *low > *high) fail("a time is wanted, or two such as 20ms..200ms");
    return {*low, *high};
  }
  std::string one_of(std::string_view what, std::span<const std::string_view> known) {
    std::string text = word(what);
    if (std::ranges::find(known, text) != known.end()) return text;
    std::string list;
    for (std::string_view name : known) list.append(list.empty() ? "" : ", ").append(name);
    fail("no such " + std::string(what) + ": there are " + list);
  }
  std::size_t node() {
    const auto index = node_index(word("a node"));
    if (!index || *index >= script_.machines)
      fail("no such node: there are n1 to n" + std::to_string(script_.machines));
    return *index;
  }

  [[nodiscard]] bool is_who() const { return !at_end() && (node_index(words_[at_]) || part_of(words_[at_])); }
  Who who() {
    if (!at_end())
      if (const auto part = part_of(words_[at_])) return ++at_, Who{*part};
    return {Who::Part::kNode, node()};
  }
  Whos some(std::string_view wanted) {
    if (at_end()) word(wanted);
    Whos all;
    while (is_who()) all.push_back(who());
    if (all.empty()) all.push_back(who());  // says what is wrong
    return all;
  }

 private:
  static std::optional<Who::Part> part_of(std::string_view word) {
    static constexpr std::pair<std::string_view, Who::Part> kParts[] = {
        {"all", Who::Part::kAll},           {"coordinator", Who::Part::kCoordinator},
        {"follower", Who::Part::kFollower}, {"followers", Who::Part::kFollowers},
        {"crashed", Who::Part::kCrashed},   {"inviter", Who::Part::kInviter},
    };
    for (const auto& [name, part] : kParts)
      if (word == name) return part;
    return std::nullopt;
  }

  std::size_t number_;
  std::vector<std::string> words_;
  std::size_t at_ = 0;
  const Script& script_;
};

Condition read_condition(Line& line) {
  using Kind = Condition::Kind;
  static constexpr std::string_view kNames[] = {"settled", "coordinator", "serving", "silent", "state", "up",
                                                "down",    "roster",      "agreed",  "log",    "event", "sent"};
  static constexpr std::string_view kStates[] = {"election", "reorganization", "normal", "stopped"};
  Condition c;
  c.negated = line.skip("not");
  const std::string name = line.one_of("condition", kNames);
  if (name == "settled") return c;
  if (name == "coordinator") {
    c.kind = Kind::kCoordinator;
    if (!line.skip("none")) c.who = {line.who()};
  } else if (name == "log") {
    c.kind = Kind::kLog;
    c.word = line.one_of("kind of transaction", kind_names<wire::Change>());
    while (!line.at_end() && !line.is_next("within")) c.words.push_back(line.word("a word"));
  } else if (name == "event") {
    c.kind = Kind::kEvent;
    c.word = line.one_of("event", event_names());
    if (line.skip("at")) c.who = {line.who()};
  } else if (name == "sent") {
    c.kind = Kind::kSent;
    c.word = line.one_of("kind of message", kind_names<wire::Message>());
    if (line.skip("by")) c.who = {line.who()};
  } else {
    c.kind = name == "serving"  ? Kind::kServing
             : name == "silent" ? Kind::kSilent
             : name == "state"  ? Kind::kState
             : name == "up"     ? Kind::kUp
             : name == "down"   ? Kind::kDown
             : name == "roster" ? Kind::kRoster
                                : Kind::kAgreed;
    c.who = line.some("a node");
    if (c.kind == Kind::kState) c.word = line.one_of("state", kStates);
  }
  return c;
}

void read_cut(Line& line, Step& step) {
  step.sides.push_back(line.some("a node"));
  step.one_way = line.skip(">");
  while (step.one_way ? step.sides.size() < 2 : line.skip("|")) step.sides.push_back(line.some("a node"));
  if (step.sides.size() < 2) line.fail("a cut has two sides: `cut n1 n2 | n3`, or `cut n1 > n3` for one way");
}

void read_join(Line& line, Step& step) {
  step.who = {{Who::Part::kNode, line.node()}};
  if (line.skip("as")) step.name = line.word("a name");
}

/// What comes after the verb.
void read_step(Line& line, const std::string& verb, Step& step) {
  using Verb = Step::Verb;
  static const std::map<std::string, Verb> kOfNodes = {
      {"start", Verb::kStart},   {"crash", Verb::kCrash}, {"pause", Verb::kPause},        {"resume", Verb::kResume},
      {"remove", Verb::kRemove}, {"wipe", Verb::kWipe},   {"new-store", Verb::kNewStore}, {"drain", Verb::kDrain}};
  if (auto at = kOfNodes.find(verb); at != kOfNodes.end()) {
    step.verb = at->second;
    step.who = line.some("a node");
  } else if (verb == "cut") {
    step.verb = Verb::kCut;
    read_cut(line, step);
  } else if (verb == "heal") {
    step.verb = Verb::kHeal;
  } else if (verb == "lose") {
    step.verb = Verb::kLose;
    std::string text = line.word("a share such as 30%");
    if (text.empty() || text.back() != '%') line.fail("a share is wanted, such as 30%");
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size() - 1, step.number);
    if (error != std::errc{} || end != text.data() + text.size() - 1 || step.number > 100)
      line.fail("a share is wanted, such as 30%");
  } else if (verb == "delay") {
    step.verb = Verb::kDelay;
    if (line.is_who()) {
      step.sides.push_back(line.some("a node"));
      if (!line.skip(">")) line.fail("`delay n1 > n2 300ms` is wanted, or `delay 300ms` for all");
      step.sides.push_back(line.some("a node"));
    }
    std::tie(step.low, step.high) = line.times();
  } else if (verb == "slow-disk") {
    step.verb = Verb::kSlowDisk;
    step.who = line.some("a node");
    step.low = line.time();
  } else if (verb == "join") {
    step.verb = Verb::kJoin;
    read_join(line, step);
  } else if (verb == "set") {
    step.verb = Verb::kSet;
    step.name = line.word("a setting's name");
    step.value = line.word("its value");
  } else if (verb == "unreachable") {
    step.verb = Verb::kUnreachable;
    step.who = {line.who(), line.who()};
  } else if (verb == "transactions") {
    step.verb = Verb::kTransactions;
    step.number = line.number(100'000);
  } else if (verb == "run") {
    step.verb = Verb::kRun;
    step.low = line.time();
  } else if (verb == "until") {
    step.verb = Verb::kUntil;
    step.condition = read_condition(line);
    step.low = line.skip("within") || !line.at_end() ? line.time() : kPatience;
  } else if (verb == "expect") {
    step.verb = Verb::kExpect;
    step.condition = read_condition(line);
  } else {
    line.fail("no such step");
  }
}

/// How many machines the script speaks of: those of the roster, and those that join.
void count_machines(std::string_view text, Script& script) {
  std::size_t begin = 0;
  bool joins = false;
  for (std::size_t number = 1; begin < text.size(); ++number) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const auto words = words_of(text.substr(begin, end - begin));
    begin = end + 1;
    for (std::size_t i = 0; i + 1 < words.size(); ++i) {
      if (words[i] == "nodes" && i == 0) {
        if (joins) throw Misread{"line " + std::to_string(number) + ", word 1 'nodes': comes before all steps"};
        std::size_t nodes = 0;
        const auto [rest, error] = std::from_chars(words[1].data(), words[1].data() + words[1].size(), nodes);
        if (error != std::errc{} || *rest != '\0' || nodes == 0 || nodes > kMachinesMax)
          throw Misread{"line " + std::to_string(number) + ", word 2 '" + words[1] + "': a number from 1 to " +
                        std::to_string(kMachinesMax) + " is wanted"};
        script.nodes = script.machines = nodes;
      }
      if (words[i] != "join") continue;
      joins = true;
      if (const auto index = node_index(words[i + 1])) script.machines = std::max(script.machines, *index + 1);
    }
  }
}

void read_line(std::size_t number, std::string_view text, Script& script, bool& begun) {
  Line line(number, words_of(text), script);
  if (line.at_end()) {
    const auto hash = text.find('#');
    if (hash == std::string_view::npos) return;
    std::string comment(text.substr(std::min(hash + 2, text.size())));
    if (begun) {
      Step& step = script.steps.emplace_back();
      step.line = number;
      step.text = std::move(comment);
    } else {
      script.title.push_back(std::move(comment));
    }
    return;
  }
  begun = true;
  if (line.skip("nodes")) {
    line.number(kMachinesMax);
    return line.end();
  }
  if (line.skip("zones")) {
    while (!line.at_end()) script.zones.push_back(line.word("a zone"));
    return;
  }
  Step step;
  step.line = number;
  if (line.skip("at")) step.at = line.time();
  step.quietly = line.skip("quietly");
  step.text = line.rest();
  read_step(line, line.word("a step"), step);
  line.end();
  const bool anything_runs =
      std::ranges::any_of(script.steps, [](const Step& s) { return s.verb == Step::Verb::kStart; });
  if (step.verb == Step::Verb::kSet && !anything_runs) {
    script.settings[step.name] = step.value;
    return;
  }
  script.steps.push_back(std::move(step));
}

}  // namespace

Result<Script> parse_script(std::string_view text) {
  Script script;
  try {
    count_machines(text, script);
    bool begun = false;
    std::size_t begin = 0;
    for (std::size_t number = 1; begin < text.size(); ++number) {
      const std::size_t end = std::min(text.find('\n', begin), text.size());
      read_line(number, text.substr(begin, end - begin), script, begun);
      begin = end + 1;
    }
  } catch (const Misread& misread) {
    return Error{Errc::kInvalid, misread.what};
  }
  if (const auto settings = parse_settings(script.settings); !settings)
    return Error{Errc::kInvalid, "the settings that it begins with: " + settings.error().detail()};
  return script;
}

}  // namespace brigade::sim
