// What a rehearsal tells, for people and for programs.  Thread: pure functions.
#pragma once

#include <string>

#include <boost/json/object.hpp>

#include "brigade/sim/rehearsal.h"

namespace brigade::cli {

std::string render_rehearsal(const sim::Rehearsal& rehearsal);
boost::json::object rehearsal_json(const sim::Rehearsal& rehearsal);

}  // namespace brigade::cli
