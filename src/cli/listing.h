// All objects whose keys begin alike, page by page.
#pragma once

#include "api_client.h"

#include <cstdint>
#include <set>
#include <string>

#include <boost/json/array.hpp>

#include "brigade/base/result.h"

namespace brigade::cli {

struct Listing {
  boost::json::array objects;         ///< as GET /cluster/objects gives them, rising by key
  std::set<std::string> unreachable;  ///< nodes whose objects may be missing
  std::uint64_t unknown_buckets = 0;  ///< that nobody who is up serves
  [[nodiscard]] bool is_whole() const { return unreachable.empty() && unknown_buckets == 0; }
};

/// Errors: as ApiClient; kBadGateway if the pages make no sense.
Result<Listing> list_objects(const ApiClient& client, const std::string& prefix);
/// Says on stderr what a list lacks, if anything.
void complain_of_gaps(const Listing& listing);

}  // namespace brigade::cli
