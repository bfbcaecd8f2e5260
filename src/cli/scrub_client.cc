#include "scrub_client.h"

#include "json_view.h"

#include <chrono>
#include <condition_variable>
#include <mutex>

#include <boost/json/object.hpp>

namespace brigade::cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kLook{200};
constexpr std::chrono::seconds kRepairPatience{60};

void pause(std::chrono::milliseconds duration) {
  std::mutex mutex;
  std::unique_lock lock(mutex);
  std::condition_variable().wait_for(lock, duration, [] { return false; });
}

}  // namespace

Result<boost::json::value> begin_scrub(const ApiClient& client, const wire::ClusterSecret& secret) {
  const auto answer =
      signed_post(client, secret, node::AdminPurpose::kAdmin, new_stamp(), "/cluster/scrub", boost::json::object{});
  if (!answer) return answer.error();
  if (answer->status < 200 || answer->status >= 300) return problem_of(*answer);
  return parse_json(answer->body);
}

Result<boost::json::value> wait_for_scrub(const ApiClient& client, const boost::json::value& begun,
                                          const std::function<void(const boost::json::value& scrub)>& watch) {
  const std::uint64_t goal = number_at(begun, "goal");
  std::uint64_t repaired = 0;
  auto moved = Clock::now();
  for (;;) {
    const auto cluster = client.get_json("/cluster");
    if (!cluster) return cluster.error();
    const auto* const scrub = find_at(*cluster, "scrub");
    if (scrub == nullptr)
      return Error(Errc::kBadGateway, "the node tells nothing of a scrub: it is of another version");
    watch(*scrub);
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

}  // namespace brigade::cli
