// redundancy: more or fewer copies of objects that are there.
#include "batch.h"
#include "commands.h"

#include <algorithm>
#include <iostream>
#include <utility>
#include <vector>

#include "brigade/net/http_semantics.h"

namespace brigade::cli {

int run_redundancy(const NodeOptions& node, const RedundancyCommand& command) {
  const auto address = node_address(node.url);
  if (!address) return fail(address.error());
  std::vector<std::string> keys = command.words;
  const std::string redundancy = keys.empty() ? "" : std::move(keys.back());
  if (!keys.empty()) keys.pop_back();
  const auto allowed = {"1", "2", "4", "8", "16"};
  if (std::ranges::find(allowed, redundancy) == allowed.end())
    return fail({Errc::kInvalid, "end with the redundancy that the objects are to get: 1, 2, 4, 8 or 16"});
  if (keys.empty() == command.prefix.empty())
    return fail({Errc::kInvalid, "name the keys, or what they begin with: --prefix P"});
  const ApiClient client(*address);
  if (!command.prefix.empty()) {
    auto batch = keys_with_prefix(client, command.prefix);
    if (!batch) return fail(batch.error());
    std::cerr << batch->what << "\n";
    keys = std::move(batch->keys);
  }
  const auto request_for = [&redundancy](const std::string& key) {
    net::RequestHead request("PUT", "/o/" + net::encode_key(key) + "?metadata");
    request.fields.add("Brigade-Redundancy", redundancy);
    return request;
  };
  auto outcomes = for_each_key(client, keys, command.parallel, request_for);
  // Removed since they were listed.
  if (!command.prefix.empty()) std::erase_if(outcomes, [](const KeyOutcome& outcome) { return !outcome.was_there; });
  return report_batch(outcomes, "changed", node.json);
}

}  // namespace brigade::cli
