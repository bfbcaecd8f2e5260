// What `until` waits for and `expect` asks, and what was seen so far.
#include "scenario_runner.h"
#include "transcript_text.h"

#include <algorithm>
#include <set>

#include "brigade/wire/subject.h"

namespace brigade::sim {

void Witness::on_effects(std::size_t node, const cluster::Effects& effects) {
  for (const cluster::Event& event : effects.events) {
    events.push_back({node, std::string(cluster::event_name(event.kind)), {}});
    if (event.kind == cluster::Event::Kind::kInviting) inviter = node;
  }
  const Seq known = world_.committed().seq();
  const auto name = [this](NodeId id) { return transcript_.name(id); };
  for (const wire::LogEntry& entry : effects.committed) {
    if (entry.seq <= known) continue;
    const std::string kind(wire::kind_name(entry.change));
    committed.push_back({node, kind, change_text(entry.change, name)});
    const NodeId about = wire::subject_of(entry);
    transactions.push_back({kind, about ? name(about) : ""});
  }
  transcript_.on_effects(node, effects);
}

void Witness::on_send(std::size_t node, const wire::Envelope& envelope, bool to_all, std::span<const Copy> copies) {
  sent.push_back({node, std::string(wire::kind_name(envelope.message)), {}});
  transcript_.on_send(node, envelope, to_all, copies);
}

bool ScenarioRunner::serves(std::size_t node) const {
  const Host& host = *world_.hosts()[node];
  return host.is_running() && !host.paused && host.member->may_serve(host.clock.local(world_.now()));
}

std::string ScenarioRunner::state(std::size_t node) const {
  const Host& host = *world_.hosts()[node];
  if (!host.is_running()) return "stopped";
  switch (host.member->state()) {
    case cluster::State::kElection:
      return "election";
    case cluster::State::kReorganization:
      return "reorganization";
    case cluster::State::kNormal:
      break;
  }
  return "normal";
}

bool ScenarioRunner::are_agreed(const std::vector<std::size_t>& nodes) const {
  const Hosts& hosts = world_.hosts();
  return std::ranges::all_of(nodes, [&](std::size_t i) {
    if (!hosts[i]->is_running()) return false;
    const cluster::Member& member = *hosts[i]->member;
    return member.commit() == world_.committed().seq() && member.last() == world_.committed().last() &&
           member.map().state_digest() == world_.committed().state_digest();
  });
}

bool ScenarioRunner::is_settled() const {
  const std::size_t leader = coordinator();
  if (leader == kWorld) return false;
  const Hosts& hosts = world_.hosts();
  const cluster::Member& lead = *hosts[leader]->member;
  const cluster::ClusterMap& map = lead.map();
  std::size_t running = 0;
  for (std::size_t i = 0; i < hosts.size(); ++i) {
    if (!hosts[i]->is_running()) continue;
    ++running;
    const cluster::Member& m = *hosts[i]->member;
    const cluster::RosterEntry* entry = map.node(hosts[i]->info.id);
    const bool well = m.epoch() == lead.epoch() && serves(i) && m.last() == lead.last() && m.commit() == m.last().seq &&
                      entry != nullptr && entry->up && entry->incarnation == hosts[i]->disk.incarnation();
    if (!well) return false;
  }
  const auto up = std::ranges::count_if(map.roster(), [](const cluster::RosterEntry& e) { return e.up; });
  if (static_cast<std::size_t>(up) != running) return false;
  std::map<NodeId, std::size_t> owned;
  for (std::size_t b = 0; b < kBucketCount; ++b) {
    const cluster::Cell& cell = map.cell(BucketId{static_cast<std::uint16_t>(b)});
    ++owned[cell.owner];
    const bool waits = cell.state == cluster::BucketState::kStandIn && !map.is_up(cell.owner);
    if (!waits && cell.state != cluster::BucketState::kServing) return false;
  }
  // Who is new has got its share.
  return std::ranges::all_of(map.roster(), [&](const cluster::RosterEntry& e) {
    return !e.up || owned[e.node.id] + 1 >= kBucketCount / map.roster().size();
  });
}

std::string ScenarioRunner::summary() const {
  const std::size_t leader = coordinator();
  std::string text = leader == kWorld ? "nobody leads" : transcript_.names({leader}) + " leads";
  if (leader != kWorld)
    text +=
        " " + epoch_text(world_.hosts()[leader]->member->epoch(), [this](NodeId id) { return transcript_.name(id); });
  text += ", commit " + to_string(world_.committed().seq());
  for (std::size_t i = 0; i < world_.hosts().size(); ++i)
    if (started_[i]) text += ", " + transcript_.names({i}) + " " + state(i) + (serves(i) ? " serves" : "");
  return text;
}

bool ScenarioRunner::holds(const Condition& condition, const Since& since) const {
  return holds_plainly(condition, since) != condition.negated;
}

bool ScenarioRunner::holds_plainly(const Condition& c, const Since& since) const {
  using Kind = Condition::Kind;
  const std::vector<std::size_t> nodes = whos(c.who);
  const cluster::ClusterMap& map = world_.committed();
  auto seen = [&](const std::vector<Witness::Seen>& all, std::size_t from) {
    return std::any_of(all.begin() + static_cast<std::ptrdiff_t>(from), all.end(), [&](const Witness::Seen& s) {
      const bool by = c.who.empty() || std::ranges::find(nodes, s.node) != nodes.end();
      return by && s.what == c.word && std::ranges::all_of(c.words, [&](const std::string& word) {
               return (" " + s.text + " ").find(" " + word + " ") != std::string::npos;
             });
    });
  };
  switch (c.kind) {
    case Kind::kSettled:
      return is_settled();
    case Kind::kCoordinator:
      return c.who.empty() ? coordinator() == kWorld : nodes.size() == 1 && nodes[0] == coordinator();
    case Kind::kServing:
      return std::ranges::all_of(nodes, [&](std::size_t i) { return serves(i); });
    case Kind::kSilent:
      return std::ranges::none_of(nodes, [&](std::size_t i) { return serves(i); });
    case Kind::kState:
      return std::ranges::all_of(nodes, [&](std::size_t i) { return state(i) == c.word; });
    case Kind::kUp:
    case Kind::kDown:
      return std::ranges::all_of(nodes, [&](std::size_t i) {
        const NodeId id = world_.hosts()[i]->info.id;
        return map.node(id) != nullptr && map.is_up(id) == (c.kind == Kind::kUp);
      });
    case Kind::kRoster: {
      std::set<NodeId> wanted;
      for (std::size_t i : nodes) wanted.insert(world_.hosts()[i]->info.id);
      return map.roster().size() == wanted.size() &&
             std::ranges::all_of(map.roster(), [&](const auto& e) { return wanted.contains(e.node.id); });
    }
    case Kind::kAgreed:
      return are_agreed(nodes);
    case Kind::kLog:
      return seen(witness_.committed, since.committed);
    case Kind::kEvent:
      return seen(witness_.events, since.events);
    case Kind::kSent:
      return seen(witness_.sent, since.sent);
  }
  return false;
}

}  // namespace brigade::sim
