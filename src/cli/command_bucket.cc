// bucket accept-loss: to go on without what only nodes had that are gone.
#include "api_client.h"
#include "commands.h"
#include "json_view.h"
#include "render.h"
#include "text.h"

#include <iostream>

#include <boost/json/object.hpp>

namespace brigade::cli {
namespace {

namespace json = boost::json;

constexpr std::string_view kConsequences =
    "Accepting the loss lets these buckets serve what nodes that are up have of them. Objects and overwrites that\n"
    "only nodes had which are gone are answered with 404, or as they were before; deletes that only those knew are "
    "undone. If such a\n"
    "node comes back after that, what it alone has is NOT taken over: start it first if there is any hope for it.\n";

}  // namespace

int run_accept_loss(const NodeOptions& node, const AdminAccess& access, const AcceptLossCommand& command) {
  const auto address = node_address(node.url);
  if (!address) return fail(address.error());
  if (command.all && !command.buckets.empty())
    return fail({Errc::kInvalid, "name the buckets, or say --all, not both"});
  const bool is_named = command.all || !command.buckets.empty();
  if (command.yes && !is_named)
    return fail({Errc::kInvalid, "name the buckets, or say --all: `brigade bucket accept-loss` shows them"});
  const ApiClient client(*address);
  if (!command.yes) {
    const auto losses = client.get_json("/cluster/losses");
    if (!losses) return fail(losses.error());
    std::cout << (node.json ? pretty(*losses) : render_losses(*losses));
    if (number_at(*losses, "count") == 0) return kDone;
    complain(std::string(kConsequences) + "Nothing was changed. Repeat it with " +
             (is_named ? "" : "--all, or the numbers of some, and ") + "--yes to accept the loss.");
    return kFailed;
  }
  const auto secret = admin_secret(access);
  if (!secret) {
    const int failed = fail(secret.error());
    return access.data_dir.empty() && access.token.empty() ? kUsage : failed;
  }
  json::object body;
  if (command.all)
    body["all"] = true;
  else
    body["buckets"] = json::array(command.buckets.begin(), command.buckets.end());
  const auto answer =
      signed_post(client, *secret, node::AdminPurpose::kAdmin, new_stamp(), "/cluster/accept-loss", body);
  if (!answer) return fail(answer.error());
  if (answer->status < 200 || answer->status >= 300) return fail(problem_of(*answer));
  if (node.json) {
    std::cout << answer->body << "\n";
    return kDone;
  }
  const auto done = parse_json(answer->body);
  std::cerr << "the loss of " << counted(done ? number_at(*done, "buckets") : 0, "bucket")
            << " is accepted: they serve what is left within a moment (`brigade status`)\n";
  return kDone;
}

}  // namespace brigade::cli
