#include "scenario_runner.h"

#include "founding.h"
#include "transcript_text.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace brigade::sim {

namespace {

using std::chrono::milliseconds;

wire::NodeInfo machine(const Script& script, std::size_t index) {
  wire::NodeInfo info;
  // Of equals the highest id leads: here it is the first node.
  info.id = NodeId{1000 - index};
  info.name = "n" + std::to_string(index + 1);
  if (index < script.zones.size()) info.zone = script.zones[index];
  info.client = info.name + ".example:8080";
  info.peer = info.name + ".example:8081";
  info.store = StoreId{index + 1};
  return info;
}

Options options_of(const Script& script) {
  Options options;
  options.nodes = script.machines;
  options.steady = true;
  options.delay_min = options.delay_max = milliseconds{1};
  options.loss_permille = options.duplicate_permille = 0;
  options.flush_min = options.flush_max = milliseconds{2};
  options.drift_ppm_max = 0;
  options.settings = script.settings;
  return options;
}

Beginning beginning_of(const Script& script) {
  Beginning beginning;
  for (std::size_t i = 0; i < script.machines; ++i) beginning.machines.push_back(machine(script, i));
  const auto end = beginning.machines.begin() + static_cast<std::ptrdiff_t>(script.nodes);
  beginning.snapshot = settled_roster({beginning.machines.begin(), end}, script.settings);
  return beginning;
}

/// " (n2)", where the script names a part and not the node.
bool names_parts(const Whos& who) {
  return std::ranges::any_of(who, [](const Who& w) { return w.part != Who::Part::kNode; });
}

}  // namespace

ScenarioRunner::ScenarioRunner(const Script& script)
    : script_(script),
      world_(options_of(script), beginning_of(script)),
      transcript_(world_),
      witness_(world_, transcript_),
      started_(script.machines, false) {
  world_.observe(&witness_);
}

ScenarioOutcome ScenarioRunner::run() {
  for (const std::string& text : script_.title) transcript_.remark(text.empty() ? "#" : "# " + text);
  for (const Step& step : script_.steps) {
    if (step.at && !run_until(*step.at)) fail(step, {});
    if (failure_.empty() && !carry_out(step)) fail(step, {});
    if (!failure_.empty()) break;
  }
  std::string text = transcript_.finish();
  if (!failure_.empty()) text += "FAILED: " + failure_ + "\n";
  return {std::move(text), failure_, std::move(witness_.transactions)};
}

void ScenarioRunner::fail(const Step& step, const std::string& why) {
  const std::string where = "line " + std::to_string(step.line) + ", " + step.text;
  if (failure_.empty()) failure_ = where + ": " + (why.empty() ? "safety: " + world_.verdict().violation() : why);
}

bool ScenarioRunner::carry_out(const Step& step) {
  using Verb = Step::Verb;
  if (step.verb == Verb::kComment) {
    transcript_.remark("# " + step.text);
    return true;
  }
  const std::vector<std::size_t> nodes = whos(step.who);
  if (nodes.empty() && !step.who.empty()) {
    fail(step, "nobody is meant by that now");
    return true;
  }
  if (step.verb != Verb::kExpect)
    transcript_.step(step.text + (names_parts(step.who) ? " (" + transcript_.names(nodes) + ")" : ""));
  if (step.quietly) transcript_.set_quiet(true);
  switch (step.verb) {
    case Verb::kStart:
      for (std::size_t node : nodes) start(node);
      break;
    case Verb::kCrash:
      for (std::size_t node : nodes) world_.crash(node);
      break;
    case Verb::kPause:
      for (std::size_t node : nodes) world_.pause(node);
      break;
    case Verb::kResume:
      for (std::size_t node : nodes) world_.resume(node);
      break;
    case Verb::kCut:
      cut(step);
      break;
    case Verb::kHeal:
      world_.network().heal();
      break;
    case Verb::kLose:
      world_.network().set_loss_permille(static_cast<std::uint32_t>(step.number * 10));
      break;
    case Verb::kDelay:
      delay(step);
      break;
    case Verb::kSlowDisk:
      for (std::size_t node : nodes) world_.hosts()[node]->flush_extra = step.low;
      break;
    case Verb::kJoin:
      if (!step.name.empty()) world_.hosts()[nodes[0]]->info.name = step.name;
      start(nodes[0]);
      break;
    case Verb::kRemove:
      for (std::size_t node : nodes) operate(wire::NodeRemoved{world_.hosts()[node]->info.id});
      break;
    case Verb::kDrain:
      for (std::size_t node : nodes) operate(wire::NodeDraining{world_.hosts()[node]->info.id, true});
      break;
    case Verb::kSet:
      operate(wire::SettingChanged{step.name, step.value});
      break;
    case Verb::kWipe:
      for (std::size_t node : nodes) {
        world_.crash(node);
        world_.hosts()[node]->disk.replace();
      }
      break;
    case Verb::kNewStore:
      for (std::size_t node : nodes) world_.hosts()[node]->info.store.value += 1000;
      break;
    case Verb::kUnreachable:
      world_.complain(nodes[0], nodes[1]);
      break;
    case Verb::kTransactions:
      for (std::uint64_t i = 0; i < step.number; ++i)
        operate(wire::SettingChanged{"retention", std::to_string(i % 1000 + 1) + "min"});
      break;
    case Verb::kRun:
      if (!run_until(world_.now() + step.low)) return false;
      break;
    case Verb::kUntil:
      if (!wait_for(step)) return false;
      break;
    case Verb::kExpect:
      if (!holds(step.condition, {})) fail(step, "it is not so: " + summary());
      break;
    case Verb::kComment:
      break;
  }
  if (step.quietly) {
    transcript_.set_quiet(false);
    transcript_.remark("   ...  " + summary());
  }
  return !world_.verdict().failed();
}

void ScenarioRunner::start(std::size_t node) {
  started_[node] = true;
  world_.start(node);
}

void ScenarioRunner::cut(const Step& step) {
  std::vector<std::vector<std::size_t>> sides;
  for (const Whos& side : step.sides) sides.push_back(whos(side));
  for (std::size_t i = 0; i < sides.size(); ++i)
    for (std::size_t j = 0; j < sides.size(); ++j) {
      if (i == j || (step.one_way && i > j)) continue;
      for (std::size_t a : sides[i])
        for (std::size_t b : sides[j])
          if (a != b) world_.network().cut(a, b);
    }
}

void ScenarioRunner::delay(const Step& step) {
  if (step.sides.empty()) {
    world_.network().set_delay_min(step.low);
    world_.network().set_delay_max(step.high);
    return;
  }
  for (std::size_t a : whos(step.sides[0]))
    for (std::size_t b : whos(step.sides[1])) world_.network().set_detour(a, b, step.low);
}

void ScenarioRunner::operate(const wire::Change& change) {
  const std::size_t leader = coordinator();
  if (leader == kWorld) return transcript_.remark("        nobody leads: the operator is told so");
  if (const auto done = world_.propose(leader, change); !done)
    transcript_.remark("        refused by n" + std::to_string(leader + 1) + ": " + done.error().detail());
}

bool ScenarioRunner::run_until(Moment moment) {
  EventQueue& events = world_.events();
  while (!world_.verdict().failed() && !events.empty() && events.next_at() <= moment) events.run_next();
  if (events.now() < moment) {
    events.at(moment, [] {});
    while (events.now() < moment) events.run_next();
  }
  return !world_.verdict().failed();
}

bool ScenarioRunner::wait_for(const Step& step) {
  const Since since{witness_.events.size(), witness_.sent.size(), witness_.committed.size()};
  EventQueue& events = world_.events();
  const Moment limit = events.now() + step.low;
  while (!holds(step.condition, since)) {
    if (world_.verdict().failed()) return false;
    if (events.empty() || events.next_at() > limit) {
      fail(step, "not in time: " + summary());
      return true;
    }
    events.run_next();
  }
  return !world_.verdict().failed();
}

std::size_t ScenarioRunner::coordinator() const {
  std::size_t leader = kWorld;
  const Hosts& hosts = world_.hosts();
  for (std::size_t i = 0; i < hosts.size(); ++i) {
    if (!hosts[i]->is_running() || !hosts[i]->member->is_coordinator()) continue;
    if (leader == kWorld || hosts[i]->member->epoch() > hosts[leader]->member->epoch()) leader = i;
  }
  return leader;
}

std::vector<std::size_t> ScenarioRunner::whos(const Whos& who) const {
  std::vector<std::size_t> nodes;
  const Hosts& hosts = world_.hosts();
  const std::size_t leader = coordinator();
  for (const Who& w : who) {
    if (w.part == Who::Part::kNode) nodes.push_back(w.node);
    if (w.part == Who::Part::kCoordinator && leader != kWorld) nodes.push_back(leader);
    if (w.part == Who::Part::kInviter && witness_.inviter != kWorld) nodes.push_back(witness_.inviter);
    for (std::size_t i = 0; i < hosts.size(); ++i) {
      const bool follows = hosts[i]->is_running() && i != leader;
      const bool meant = (w.part == Who::Part::kAll && (i < script_.nodes || started_[i])) ||
                         (w.part == Who::Part::kFollowers && follows) || (w.part == Who::Part::kFollower && follows) ||
                         (w.part == Who::Part::kCrashed && started_[i] && !hosts[i]->is_running());
      if (!meant) continue;
      nodes.push_back(i);
      if (w.part == Who::Part::kFollower) break;
    }
  }
  return nodes;
}

}  // namespace brigade::sim
