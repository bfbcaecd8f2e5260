#include "brigade/sim/rehearsal.h"

#include "founding.h"
#include "rehearsal_recorder.h"
#include "world.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <utility>

#include "brigade/base/limits.h"
#include "brigade/base/settings.h"

namespace brigade::sim {

namespace {

using std::chrono::milliseconds;

constexpr Duration kLookInterval = milliseconds{100};

std::string zone_name(std::size_t index) {
  return index < 26 ? std::string(1, static_cast<char>('a' + index)) : "z" + std::to_string(index + 1);
}

wire::NodeInfo planned_node(std::size_t index, const std::string& zone) {
  wire::NodeInfo info;
  info.id = NodeId{Prng(index + 1).next() | 1};
  info.name = "n" + std::to_string(index + 1);
  info.zone = zone;
  info.client = info.name + ".example:8080";
  info.peer = info.name + ".example:8081";
  info.store = StoreId{index + 1};
  return info;
}

/// A run: the world, and what is done to it.
class Run {
 public:
  Run(const wire::Snapshot& start, const RehearsalOptions& options)
      : options_(options),
        beginning_(beginning_of(start, options)),
        world_(world_options(options, beginning_.machines.size(), start), beginning_),
        recorder_(world_, outcome_),
        members_(start.roster.size()) {
    world_.observe(&recorder_);
  }

  /// Errors: kNotFound.
  Status plan() {
    for (const Mishap& mishap : options_.mishaps) {
      const bool named = mishap.target == Mishap::Target::kNode || mishap.target == Mishap::Target::kZone;
      if (named && targets(mishap).empty())
        return Error{
            Errc::kNotFound,
            (mishap.target == Mishap::Target::kNode ? "there is no node " : "there is no zone ") + mishap.name};
      world_.events().at(mishap.at, [this, mishap] { strike(mishap); });
    }
    return {};
  }

  Rehearsal go() {
    for (std::size_t i = 0; i < members_; ++i)
      if (beginning_.snapshot->roster[i].up) world_.events().at(milliseconds{i % 200}, [this, i] { world_.start(i); });
    look();
    EventQueue& events = world_.events();
    while (!world_.verdict().failed() && !events.empty() && events.next_at() <= options_.length) events.run_next();
    recorder_.look();
    outcome_.violation = world_.verdict().violation();
    outcome_.nodes = members_;
    outcome_.length = options_.length;
    for (const auto& host : world_.hosts()) {
      if (!host->is_running()) continue;
      ++outcome_.running;
      if (!host->member->may_serve(host->clock.local(world_.now()))) outcome_.silent.push_back(host->info.name);
    }
    return std::move(outcome_);
  }

 private:
  static Options world_options(const RehearsalOptions& options, std::size_t machines, const wire::Snapshot& start) {
    Options world;
    world.seed = options.seed;
    world.nodes = machines;
    world.settings = start.settings;
    world.loss_permille = 1;
    world.duplicate_permille = 0;
    world.drift_ppm_max = 200;
    if (machines > 20) world.check_interval = milliseconds{2};
    return world;
  }

  static Beginning beginning_of(const wire::Snapshot& start, const RehearsalOptions& options) {
    Beginning beginning;
    beginning.snapshot = std::make_shared<const wire::Snapshot>(start);
    std::vector<std::string> zones;
    for (const wire::RosterEntry& entry : start.roster) {
      beginning.machines.push_back(entry.node);
      if (std::ranges::find(zones, entry.node.zone) == zones.end()) zones.push_back(entry.node.zone);
    }
    for (const Mishap& mishap : options.mishaps)
      for (std::size_t i = 0; i < mishap.count; ++i) {
        const std::size_t index = beginning.machines.size();
        wire::NodeInfo info = planned_node(index + limits::kNodesMax, zones[index % zones.size()]);
        info.name = "new" + std::to_string(index - start.roster.size() + 1);
        beginning.machines.push_back(std::move(info));
      }
    return beginning;
  }

  [[nodiscard]] std::vector<std::size_t> targets(const Mishap& mishap) const {
    std::vector<std::size_t> nodes;
    const std::size_t leader = world_.coordinator();
    for (std::size_t i = 0; i < beginning_.machines.size(); ++i) {
      const wire::NodeInfo& info = beginning_.machines[i];
      const bool meant = mishap.target == Mishap::Target::kNode   ? info.name == mishap.name
                         : mishap.target == Mishap::Target::kZone ? info.zone == mishap.name
                                                                  : i == leader;
      if (meant) nodes.push_back(i);
    }
    return nodes;
  }

  void strike(const Mishap& mishap) {
    if (mishap.kind == Mishap::Kind::kJoin) {
      recorder_.tell("starts", "", std::to_string(mishap.count) + " new nodes start");
      for (std::size_t i = 0; i < mishap.count; ++i) world_.start(members_ + joined_++);
      return;
    }
    const bool fails = mishap.kind == Mishap::Kind::kFail;
    std::vector<std::size_t> nodes = targets(mishap);
    std::erase_if(nodes, [this](std::size_t node) { return node >= members_ + joined_; });
    std::vector<std::size_t> hit;
    for (std::size_t node : nodes)
      if (world_.hosts()[node]->is_running() == fails) hit.push_back(node);
    tell(mishap, nodes, hit);
    for (std::size_t node : hit) {
      if (fails) {
        recorder_.on_failure(node);
        world_.crash(node);
      } else {
        world_.start(node);
      }
    }
  }

  /// `nodes` are meant and there, `hit` those of them to which it happens.
  void tell(const Mishap& mishap, const std::vector<std::size_t>& nodes, const std::vector<std::size_t>& hit) {
    const bool fails = mishap.kind == Mishap::Kind::kFail;
    const std::string kind = fails ? "fails" : "starts";
    const std::string verb = fails ? "fails" : "starts again";
    const bool is_coordinator = mishap.target == Mishap::Target::kCoordinator;
    if (hit.empty()) {
      const std::string why = is_coordinator  ? "no coordinator: nobody fails"
                              : nodes.empty() ? mishap.name + " has not started yet: nothing " + verb
                              : fails         ? mishap.name + " is down already: nothing fails"
                                              : mishap.name + " runs already: nothing starts";
      recorder_.tell("nothing", "", (mishap.target == Mishap::Target::kZone ? "zone " : "") + why);
    } else if (nodes.size() == 1) {
      recorder_.tell(kind, beginning_.machines[hit[0]].name, is_coordinator ? verb + ", the coordinator" : verb);
    } else {
      recorder_.tell(kind, "",
                     "zone " + mishap.name + " " + verb + ": " + std::to_string(hit.size()) +
                         (hit.size() == 1 ? " node" : " nodes"));
    }
  }

  void look() {
    recorder_.look();
    world_.events().after(kLookInterval, [this] { look(); });
  }

  const RehearsalOptions options_;
  const Beginning beginning_;
  World world_;
  Rehearsal outcome_;
  RehearsalRecorder recorder_;
  const std::size_t members_;
  std::size_t joined_ = 0;
};

}  // namespace

Result<Mishap> parse_mishap(Mishap::Kind kind, std::string_view text) {
  const char* wanted = kind == Mishap::Kind::kFail     ? "node:NAME@TIME, zone:NAME@TIME or coordinator@TIME"
                       : kind == Mishap::Kind::kReturn ? "node:NAME@TIME or zone:NAME@TIME"
                                                       : "COUNT@TIME";
  const Error error{Errc::kInvalid, "'" + std::string(text) + "' is not understood; give " + wanted + ", such as @5s"};
  Mishap mishap;
  mishap.kind = kind;
  const auto at = text.rfind('@');
  if (at == std::string_view::npos) return error;
  const auto time = parse_duration(text.substr(at + 1));
  if (!time) return error;
  mishap.at = *time;
  const std::string_view what = text.substr(0, at);
  if (kind == Mishap::Kind::kJoin) {
    mishap.target = Mishap::Target::kNew;
    const auto [end, failed] = std::from_chars(what.data(), what.data() + what.size(), mishap.count);
    if (failed != std::errc{} || end != what.data() + what.size() || mishap.count == 0 ||
        mishap.count > limits::kNodesMax)
      return error;
    return mishap;
  }
  if (what == "coordinator" && kind == Mishap::Kind::kFail) {
    mishap.target = Mishap::Target::kCoordinator;
    return mishap;
  }
  const auto colon = what.find(':');
  const std::string_view target = what.substr(0, colon);
  if (colon == std::string_view::npos || (target != "node" && target != "zone")) return error;
  mishap.target = target == "node" ? Mishap::Target::kNode : Mishap::Target::kZone;
  mishap.name = std::string(what.substr(colon + 1));
  return mishap;
}

wire::Snapshot planned_cluster(std::size_t count, std::size_t zones,
                               const std::map<std::string, std::string>& settings) {
  std::vector<wire::NodeInfo> nodes;
  for (std::size_t i = 0; i < count; ++i) nodes.push_back(planned_node(i, zones == 0 ? "" : zone_name(i % zones)));
  return *settled_roster(nodes, settings);
}

Result<Rehearsal> rehearse(const wire::Snapshot& start, const RehearsalOptions& options) {
  std::size_t nodes = start.roster.size();
  for (const Mishap& mishap : options.mishaps) nodes += mishap.count;
  if (nodes == 0 || nodes > limits::kNodesMax)
    return Error{Errc::kInvalid, std::to_string(nodes) + " nodes: from 1 to " + std::to_string(limits::kNodesMax)};
  if (const auto settings = parse_settings(start.settings); !settings) return settings.error();
  Run run(start, options);
  if (const auto planned = run.plan(); !planned) return planned.error();
  return run.go();
}

}  // namespace brigade::sim
