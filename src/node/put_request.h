// What the fields of a PUT ask for.  Source: design §7.
// Thread:  pure functions.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>

#include "brigade/base/result.h"
#include "brigade/base/settings.h"
#include "brigade/base/time.h"
#include "brigade/net/http.h"
#include "brigade/placement/replicas.h"

namespace brigade::node {

struct WantedPut {
  placement::Level level;
  std::string content_type;
  std::optional<std::array<std::byte, 32>> sha256;  ///< that the body must have
  WallTime expires;                                 ///< 0: never
};
/// Errors: kInvalid, kNotImplemented (a digest that is not SHA-256).
Result<WantedPut> wanted_put(const Settings& settings, const net::Fields& fields, WallTime now);

/// The level alone, for who looks for the primary. Errors: kInvalid.
Result<placement::Level> wanted_level(const Settings& settings, const net::Fields& fields);

}  // namespace brigade::node
