// simulate: a rehearsal of failures, or a script.
#include "commands.h"
#include "json_view.h"
#include "simulate_report.h"
#include "simulate_source.h"

#include <fstream>
#include <iostream>
#include <sstream>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "brigade/base/settings.h"
#include "brigade/sim/rehearsal.h"
#include "brigade/sim/scenario.h"

namespace brigade::cli {
namespace {

namespace json = boost::json;

int run_script(const SimulateCommand& command) {
  std::ifstream in(command.scenario, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  if (!in) return fail({Errc::kNotFound, command.scenario + " can't be read"});
  const auto outcome = sim::run_scenario(text.str());
  if (!outcome) return fail({outcome.error().code(), command.scenario + ": " + outcome.error().detail()});
  if (command.json) {
    json::array transactions;
    for (const auto& [kind, node] : outcome->transactions)
      transactions.push_back(
          json::object{{"kind", kind}, {"node", node.empty() ? json::value(nullptr) : json::value(node)}});
    std::cout << pretty(
        json::object{{"transcript", outcome->transcript},
                     {"transactions", std::move(transactions)},
                     {"failure", outcome->failure.empty() ? json::value(nullptr) : json::value(outcome->failure)}});
  } else {
    std::cout << outcome->transcript;
  }
  if (outcome->failure.empty()) return kDone;
  complain(command.scenario + ": " + outcome->failure);
  return kFailed;
}

Result<sim::RehearsalOptions> options_from(const SimulateCommand& command) {
  sim::RehearsalOptions options;
  options.seed = command.seed;
  const auto length = parse_duration(command.length);
  if (!length) return Error{Errc::kInvalid, "--for: " + length.error().detail()};
  options.length = *length;
  const std::pair<const std::vector<std::string>*, sim::Mishap::Kind> kinds[] = {
      {&command.failures, sim::Mishap::Kind::kFail},
      {&command.returns, sim::Mishap::Kind::kReturn},
      {&command.joins, sim::Mishap::Kind::kJoin}};
  for (const auto& [texts, kind] : kinds)
    for (const std::string& text : *texts) {
      auto mishap = sim::parse_mishap(kind, text);
      if (!mishap) return mishap.error();
      if (mishap->at > options.length)
        return Error{Errc::kInvalid, "'" + text + "' comes after the end of the run: give --for more than its " +
                                         duration_text(options.length)};
      options.mishaps.push_back(std::move(*mishap));
    }
  return options;
}

/// What it begins with. Errors: kInvalid; as cluster_like.
Result<wire::Snapshot> start_of(const SimulateCommand& command) {
  auto settings = settings_from(command.settings, std::nullopt);
  if (!settings) return settings.error();
  if (command.like_url.empty()) return sim::planned_cluster(command.nodes, command.zones, *settings);
  auto like = cluster_like(command.like_url);
  if (like)
    for (const auto& [name, value] : *settings) like->settings[name] = value;
  return like;
}

}  // namespace

int run_simulate(const SimulateCommand& command) {
  if (!command.scenario.empty()) return run_script(command);
  const auto options = options_from(command);
  if (!options) {
    complain(options.error().detail());
    return kUsage;
  }
  const auto start = start_of(command);
  if (!start) return fail(start.error());
  const auto rehearsal = sim::rehearse(*start, *options);
  if (!rehearsal) return fail(rehearsal.error());
  std::cout << (command.json ? pretty(rehearsal_json(*rehearsal)) : render_rehearsal(*rehearsal));
  if (rehearsal->violation.empty()) return kDone;
  complain("a rule of safety was broken, which is a defect of Brigade: " + rehearsal->violation);
  return kFailed;
}

}  // namespace brigade::cli
