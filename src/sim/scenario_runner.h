// Carries out a script, step by step.  Thread: one owner.
#pragma once

#include "scenario_script.h"
#include "transcript.h"
#include "world.h"

#include <map>
#include <string>
#include <vector>

#include "brigade/sim/scenario.h"

namespace brigade::sim {

/// What was seen so far, for conditions.
class Witness : public Observer {
 public:
  Witness(const World& world, Transcript& transcript) : world_(world), transcript_(transcript) {}
  void on_effects(std::size_t node, const cluster::Effects& effects) override;
  void on_send(std::size_t node, const wire::Envelope& envelope, bool to_all, std::span<const Copy> copies) override;
  void on_durable(std::size_t node, std::uint64_t number) override { transcript_.on_durable(node, number); }
  void on_note(std::string_view what, std::size_t node, std::size_t other) override {
    transcript_.on_note(what, node, other);
  }

  struct Seen {
    std::size_t node = 0;
    std::string what;
    std::string text;
  };
  std::vector<Seen> events;
  std::vector<Seen> sent;
  std::vector<Seen> committed;
  std::vector<ScenarioOutcome::Transaction> transactions;
  std::size_t inviter = kWorld;  ///< who stood for election last

 private:
  const World& world_;
  Transcript& transcript_;
};

class ScenarioRunner {
 public:
  explicit ScenarioRunner(const Script& script);
  ScenarioOutcome run();

 private:
  /// From which on things count: for `until` those since the step began, for `expect` all.
  struct Since {
    std::size_t events = 0;
    std::size_t sent = 0;
    std::size_t committed = 0;
  };

  bool carry_out(const Step& step);
  void start(std::size_t node);
  void cut(const Step& step);
  void delay(const Step& step);
  void operate(const wire::Change& change);
  bool wait_for(const Step& step);
  /// Lets time pass; false if a rule of safety was broken.
  bool run_until(Moment moment);
  [[nodiscard]] std::vector<std::size_t> whos(const Whos& who) const;
  [[nodiscard]] std::size_t coordinator() const;
  [[nodiscard]] bool holds(const Condition& condition, const Since& since) const;
  [[nodiscard]] bool holds_plainly(const Condition& condition, const Since& since) const;
  [[nodiscard]] bool is_settled() const;
  [[nodiscard]] bool are_agreed(const std::vector<std::size_t>& nodes) const;
  [[nodiscard]] bool serves(std::size_t node) const;
  [[nodiscard]] std::string state(std::size_t node) const;
  [[nodiscard]] std::string summary() const;
  void fail(const Step& step, const std::string& why);

  const Script& script_;
  World world_;
  Transcript transcript_;
  Witness witness_;
  std::vector<bool> started_;
  std::string failure_;
};

}  // namespace brigade::sim
