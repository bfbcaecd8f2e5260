// rm: removes objects, a few or many.
#include "batch.h"
#include "commands.h"
#include "json_view.h"

#include <iostream>
#include <unistd.h>
#include <utility>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value_from.hpp>

#include "brigade/net/http_semantics.h"

namespace brigade::cli {
namespace {

namespace json = boost::json;

/// True if the one who sits there means it.
bool is_meant(const std::string& what) {
  if (::isatty(STDIN_FILENO) != 1) {
    complain(what + "; nothing was removed: repeat with --yes if that is meant");
    return false;
  }
  std::cerr << what << ". Remove them? Type yes: ";
  std::string answer;
  std::getline(std::cin, answer);
  if (answer == "yes") return true;
  complain("nothing was removed");
  return false;
}

net::RequestHead removal_of(const std::string& key) {
  return {"DELETE", "/o/" + net::encode_key(key)};
}

}  // namespace

int run_rm(const NodeOptions& node, const RmCommand& command) {
  const auto address = node_address(node.url);
  if (!address) return fail(address.error());
  if (command.keys.empty() == command.prefix.empty())
    return fail({Errc::kInvalid, "name the keys, or what they begin with: --prefix P"});
  const ApiClient client(*address);
  std::vector<std::string> keys = command.keys;
  if (!command.prefix.empty()) {
    auto batch = keys_with_prefix(client, command.prefix);
    if (!batch) return fail(batch.error());
    if (!batch->keys.empty() && !command.yes && !is_meant(batch->what)) {
      if (node.json)
        std::cout << pretty(json::object{
            {"removed", json::array()}, {"failed", json::array()}, {"would_remove", json::value_from(batch->keys)}});
      return kFailed;
    }
    keys = std::move(batch->keys);
  }
  auto outcomes = for_each_key(client, keys, command.parallel, removal_of);
  // Somebody else was quicker, or our own first attempt was.
  for (KeyOutcome& outcome : outcomes)
    if (!command.prefix.empty() && !outcome.was_there) outcome.error.reset();
  return report_batch(outcomes, "removed", node.json);
}

}  // namespace brigade::cli
