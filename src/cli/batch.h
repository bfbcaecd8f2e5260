// One request for each of many keys, some at a time, with a bar and patience.
// Thread:  for_each_key starts its own and ends them.
#pragma once

#include "api_client.h"

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "brigade/base/result.h"
#include "brigade/net/http.h"

namespace brigade::cli {

/// The keys that begin with a prefix.
struct KeyBatch {
  std::vector<std::string> keys;
  std::string what;  ///< "3 objects (1.2 MB) begin with photos/"
};
/// Errors: as list_objects; kUnavailable if the list has gaps, which are said on stderr.
Result<KeyBatch> keys_with_prefix(const ApiClient& client, const std::string& prefix);

/// What became of a key.
struct KeyOutcome {
  std::string key;
  bool was_there = true;
  std::optional<Error> error;
};
/// In the order of the keys. `parallel` at a time, at least 1; what is worth a second attempt gets it.
std::vector<KeyOutcome> for_each_key(const ApiClient& client, const std::vector<std::string>& keys,
                                     std::size_t parallel,
                                     const std::function<net::RequestHead(const std::string& key)>& request_for);

/// Prints what became of them, as JSON {verb: [keys], failed: [{key, error}]} or as `done` after the count. The exit
/// code.
int report_batch(const std::vector<KeyOutcome>& outcomes, const std::string& verb, bool as_json);

}  // namespace brigade::cli
