// scrub: a node's store is read now, and what is damaged is replaced.
#include "api_client.h"
#include "commands.h"
#include "json_view.h"
#include "render.h"

#include <chrono>
#include <condition_variable>
#include <iostream>
#include <mutex>

#include <boost/json/object.hpp>

namespace brigade::cli {
namespace {

namespace json = boost::json;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kLook{200};
constexpr std::chrono::seconds kRepairPatience{60};

void pause(std::chrono::milliseconds duration) {
  std::mutex mutex;
  std::unique_lock lock(mutex);
  std::condition_variable().wait_for(lock, duration, [] { return false; });
}

/// Looks until the pass is over and nothing waits for repair, or no repair has come for a while.
Result<json::value> wait_for_end(const ApiClient& client, std::uint64_t goal) {
  std::uint64_t repaired = 0;
  auto moved = Clock::now();
  for (;;) {
    const auto cluster = client.get_json("/cluster");
    if (!cluster) return cluster.error();
    const auto* const scrub = find_at(*cluster, "scrub");
    if (scrub == nullptr)
      return Error(Errc::kBadGateway, "the node tells nothing of a scrub: it is of another version");
    const bool is_over = number_at(*scrub, "passes") >= goal;
    if (!is_over && !is_true_at(*scrub, "fast"))
      return Error(Errc::kUnavailable, "the pass was given up, for the node started anew: start the scrub again");
    if (!is_over || number_at(*scrub, "repaired") != repaired) moved = Clock::now();
    repaired = number_at(*scrub, "repaired");
    const bool is_mended = number_at(*scrub, "corrupt_now") == 0 && number_at(*scrub, "segments_set_aside") == 0;
    if (is_over && (is_mended || Clock::now() - moved > kRepairPatience)) return *scrub;
    pause(kLook);
  }
}

}  // namespace

int run_scrub(const NodeOptions& node, const AdminAccess& access, bool wait) {
  const auto address = node_address(node.url);
  if (!address) return fail(address.error());
  const auto secret = admin_secret(access);
  if (!secret) {
    const int failed = fail(secret.error());
    return access.data_dir.empty() && access.token.empty() ? kUsage : failed;
  }
  const ApiClient client(*address);
  const auto answer =
      signed_post(client, *secret, node::AdminPurpose::kAdmin, new_stamp(), "/cluster/scrub", json::object{});
  if (!answer) return fail(answer.error());
  if (answer->status < 200 || answer->status >= 300) return fail(problem_of(*answer));
  auto scrub = parse_json(answer->body);
  if (scrub && wait) scrub = wait_for_end(client, number_at(*scrub, "goal"));
  if (!scrub) return fail(scrub.error());
  if (node.json) {
    std::cout << pretty(*scrub);
  } else if (wait) {
    std::cout << scrub_text(*scrub) << "\n";
  } else {
    std::cerr << "the scrub has begun: `brigade status` shows it\n";
  }
  const std::uint64_t left = number_at(*scrub, "corrupt_now");
  if (!wait || left == 0) return kDone;
  complain(std::to_string(left) +
           " damaged objects have no good copy anywhere that can be reached: see the node's log");
  return kFailed;
}

}  // namespace brigade::cli
