#include "brigade/sim/scenario.h"

#include "scenario_runner.h"
#include "scenario_script.h"

namespace brigade::sim {

Result<ScenarioOutcome> run_scenario(std::string_view text) {
  const auto script = parse_script(text);
  if (!script) return script.error();
  return ScenarioRunner(*script).run();
}

}  // namespace brigade::sim
