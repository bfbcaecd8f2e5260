// can-stop, drain: before and while nodes leave.
#include "api_client.h"
#include "commands.h"
#include "json_view.h"
#include "progress.h"
#include "text.h"

#include <chrono>
#include <iostream>
#include <thread>

#include <boost/json/object.hpp>

#include "brigade/net/http_semantics.h"

namespace brigade::cli {
namespace {

namespace json = boost::json;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kLook{200};
constexpr std::chrono::seconds kSilenceMax{60};  ///< of the node that is asked, or of the moves

/// The node's entry in the roster. Errors: kNotFound.
Result<json::value> roster_entry(const ApiClient& client, const std::string& name) {
  const auto nodes = client.get_json("/cluster/nodes");
  if (!nodes) return nodes.error();
  for (const auto& node : array_at(*nodes, "roster"))
    if (text_at(node, "name") == name) return node;
  return Error(Errc::kNotFound, "there is no node " + name + " any more");
}

/// Until the node owns nothing.
Status wait_for_drained(const ApiClient& client, const std::string& name) {
  StatusLine line(stderr);
  std::uint64_t at_first = 0, before = 0;
  auto moved = Clock::now();
  for (;; std::this_thread::sleep_for(kLook)) {
    const auto entry = roster_entry(client, name);
    const std::uint64_t left = entry ? number_at(*entry, "buckets") : before;
    if (entry && left == 0) return {};
    if (entry && !is_true_at(*entry, "draining"))
      return Error(Errc::kConflict, "somebody lets " + name + " take part again: the drain was cancelled");
    if (left != before) moved = Clock::now();
    before = left;
    at_first = std::max(at_first, left);
    if (Clock::now() - moved > kSilenceMax) {
      if (!entry) return Error(Errc::kTimeout, entry.error().detail());
      const std::string why = is_true_at(*entry, "up")
                                  ? "`brigade status` shows what they wait for"
                                  : name +
                                        " is down, and they have no other copy in sync: start it; if it never comes "
                                        "back, `brigade bucket accept-loss --all` shows what is lost, and gives it up";
      return Error(Errc::kTimeout, counted(left, "bucket") + " of " + name + " have not moved for a minute: " + why);
    }
    const std::uint64_t done = at_first == 0 ? 0 : (at_first - left) * 100 / at_first;
    line.show("draining " + name + "  " + std::to_string(done) + " %  " + std::to_string(left) + " buckets left");
  }
}

}  // namespace

int run_can_stop(const NodeOptions& node, const std::vector<std::string>& names) {
  const auto address = node_address(node.url);
  if (!address) return fail(address.error());
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : ",") + net::encode_key(name);
  const auto answer = ApiClient(*address).get_json("/cluster/can-stop?nodes=" + list);
  if (!answer) return fail(answer.error());
  const bool safe = is_true_at(*answer, "safe");
  if (node.json) {
    std::cout << pretty(*answer);
  } else if (safe) {
    std::cout << "yes: " << text_at(*answer, "quorum.left") << " nodes would be left, "
              << text_at(*answer, "quorum.needed") << " are needed, and all objects stay within reach\n";
  } else {
    std::cout << "no:\n";
    for (const auto& reason : array_at(*answer, "reasons"))
      if (const auto* const text = reason.if_string()) std::cout << "  " << std::string_view(*text) << "\n";
  }
  return safe ? kDone : kFailed;
}

int run_drain(const NodeOptions& node, const AdminAccess& access, const DrainCommand& command) {
  const auto address = node_address(node.url);
  if (!address) return fail(address.error());
  const auto secret = admin_secret(access);
  if (!secret) {
    const int failed = fail(secret.error());
    return access.data_dir.empty() && access.token.empty() ? kUsage : failed;
  }
  const ApiClient client(*address);
  const std::string& name = command.name;
  const bool is_replaced = !command.with.empty();
  const json::object body = is_replaced ? json::object{{"node", name}, {"with", command.with}}
                                        : json::object{{"node", name}, {"draining", !command.cancel}};
  const auto answer = signed_post(client, *secret, node::AdminPurpose::kAdmin, new_stamp(),
                                  is_replaced ? "/cluster/replace" : "/cluster/drain", body);
  if (!answer) return fail(answer.error());
  if (answer->status < 200 || answer->status >= 300) return fail(problem_of(*answer));
  if (command.wait && !command.cancel)
    if (auto drained = wait_for_drained(client, name); !drained) return fail(drained.error());
  if (node.json) {
    std::cout << (answer->body.empty() ? "{}" : answer->body) << "\n";
  } else if (command.cancel) {
    std::cerr << name << " takes part again\n";
  } else if (command.wait) {
    std::cerr << name << " holds nothing that is needed: stop it, and `brigade remove " << name << "`\n";
  } else {
    std::cerr << name << " gives its buckets to " << (is_replaced ? command.with : "the others")
              << ": `brigade nodes` shows how many it has left\n";
  }
  return kDone;
}

}  // namespace brigade::cli
