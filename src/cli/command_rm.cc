// rm: removes objects, a few or many.
#include "api_client.h"
#include "commands.h"
#include "json_view.h"
#include "listing.h"
#include "progress.h"
#include "retry.h"
#include "text.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <iostream>
#include <mutex>
#include <optional>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "brigade/net/http_semantics.h"

namespace brigade::cli {
namespace {

namespace json = boost::json;

/// What became of each key, in the order of the request.
struct Removal {
  std::string key;
  bool was_there = true;
  std::optional<Error> error;
};

void remove_one(const ApiClient& client, Removal& removal) {
  net::RequestHead request;
  request.method = "DELETE";
  request.target = "/o/" + net::encode_key(removal.key);
  for (int attempt = 1;; ++attempt) {
    const auto answer = client.call(request);
    if (answer && answer->status >= 200 && answer->status < 300) return;
    removal.was_there = !(answer && answer->status == 404);
    removal.error = answer ? problem_of(*answer) : answer.error();
    const auto delay = answer ? retry_delay(attempt, answer->status, answer->fields.find("Retry-After"))
                              : retry_delay(attempt, answer.error().code());
    if (!delay) return;
    std::mutex mutex;
    std::unique_lock lock(mutex);
    std::condition_variable().wait_for(lock, *delay, [] { return false; });
    removal.error.reset();
  }
}

/// `parallel` at a time, with a bar.
std::vector<Removal> remove_all(const ApiClient& client, const std::vector<std::string>& keys, std::size_t parallel) {
  std::vector<Removal> removals(keys.size());
  for (std::size_t i = 0; i < keys.size(); ++i) removals[i].key = keys[i];
  std::atomic<std::size_t> next = 0;
  std::mutex mutex;
  Progress progress(stderr);
  ProgressState state;
  state.files = keys.size();
  state.what = "object";
  {
    std::vector<std::jthread> workers;
    for (std::size_t n = 0; n < std::min(parallel, keys.size()); ++n)
      workers.emplace_back([&] {
        for (std::size_t at = next++; at < removals.size(); at = next++) {
          remove_one(client, removals[at]);
          const std::lock_guard lock(mutex);
          ++state.files_done;
          state.failed += removals[at].error ? 1 : 0;
          if (keys.size() > 1) progress.update(state);
        }
      });
  }
  progress.clear();
  return removals;
}

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

}  // namespace

int run_rm(const NodeOptions& node, const RmCommand& command) {
  const auto address = node_address(node.url);
  if (!address) return fail(address.error());
  if (command.keys.empty() == command.prefix.empty())
    return fail({Errc::kInvalid, "name the keys, or what they begin with: --prefix P"});
  const ApiClient client(*address);
  std::vector<std::string> keys = command.keys;
  if (!command.prefix.empty()) {
    const auto listing = list_objects(client, command.prefix);
    if (!listing) return fail(listing.error());
    complain_of_gaps(*listing);
    std::uint64_t bytes = 0;
    for (const auto& object : listing->objects) {
      keys.push_back(text_at(object, "key"));
      bytes += number_at(object, "size");
    }
    const std::string what = counted(keys.size(), "object") + " (" + human_bytes(bytes) + ") begin" +
                             (keys.size() == 1 ? "s" : "") + " with " + command.prefix;
    if (!listing->is_whole()) return fail({Errc::kUnavailable, what + ", and maybe more: nothing was removed"});
    if (!keys.empty() && !command.yes && !is_meant(what)) return kFailed;
  }
  json::array removed;
  json::array failed;
  for (const Removal& removal : remove_all(client, keys, command.parallel)) {
    // Somebody else was quicker, or our own first attempt was.
    const bool is_gone = !removal.error || (!command.prefix.empty() && !removal.was_there);
    if (is_gone) {
      removed.emplace_back(removal.key);
      continue;
    }
    complain(removal.key + " is not removed: " + removal.error->detail());
    failed.push_back(json::object{{"key", removal.key}, {"error", removal.error->detail()}});
  }
  const bool all = failed.empty();
  if (node.json)
    std::cout << pretty(json::object{{"removed", std::move(removed)}, {"failed", std::move(failed)}});
  else
    std::cerr << counted(removed.size(), "object") << " removed\n";
  return all ? kDone : kFailed;
}

}  // namespace brigade::cli
