#include "batch.h"

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
#include <thread>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

namespace brigade::cli {
namespace {

namespace json = boost::json;

void ask_one(const ApiClient& client, const net::RequestHead& request, KeyOutcome& outcome) {
  for (int attempt = 1;; ++attempt) {
    const auto answer = client.call(request);
    if (answer && answer->status >= 200 && answer->status < 300) return;
    outcome.was_there = !(answer && answer->status == 404);
    outcome.error = answer ? problem_of(*answer) : answer.error();
    const auto delay = answer ? retry_delay(attempt, answer->status, answer->fields.find("Retry-After"))
                              : retry_delay(attempt, answer.error().code());
    if (!delay) return;
    std::mutex mutex;
    std::unique_lock lock(mutex);
    std::condition_variable().wait_for(lock, *delay, [] { return false; });
    outcome.error.reset();
  }
}

}  // namespace

Result<KeyBatch> keys_with_prefix(const ApiClient& client, const std::string& prefix) {
  const auto listing = list_objects(client, prefix);
  if (!listing) return listing.error();
  complain_of_gaps(*listing);
  KeyBatch batch;
  std::uint64_t bytes = 0;
  for (const auto& object : listing->objects) {
    batch.keys.push_back(text_at(object, "key"));
    bytes += number_at(object, "size");
  }
  batch.what = counted(batch.keys.size(), "object") + " (" + human_bytes(bytes) + ") begin" +
               (batch.keys.size() == 1 ? "s" : "") + " with " + prefix;
  if (!listing->is_whole()) return Error{Errc::kUnavailable, batch.what + ", and maybe more: nothing was changed"};
  return batch;
}

std::vector<KeyOutcome> for_each_key(const ApiClient& client, const std::vector<std::string>& keys,
                                     std::size_t parallel,
                                     const std::function<net::RequestHead(const std::string& key)>& request_for) {
  std::vector<KeyOutcome> outcomes(keys.size());
  for (std::size_t i = 0; i < keys.size(); ++i) outcomes[i].key = keys[i];
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
        for (std::size_t at = next++; at < outcomes.size(); at = next++) {
          ask_one(client, request_for(outcomes[at].key), outcomes[at]);
          const std::lock_guard lock(mutex);
          ++state.files_done;
          state.failed += outcomes[at].error ? 1 : 0;
          if (keys.size() > 1) progress.update(state);
        }
      });
  }
  progress.clear();
  return outcomes;
}

int report_batch(const std::vector<KeyOutcome>& outcomes, const std::string& verb, bool as_json) {
  json::array done;
  json::array failed;
  for (const KeyOutcome& outcome : outcomes) {
    if (!outcome.error) {
      done.emplace_back(outcome.key);
      continue;
    }
    complain(outcome.key + " is not " + verb + ": " + outcome.error->detail());
    failed.push_back(json::object{{"key", outcome.key}, {"error", outcome.error->detail()}});
  }
  const bool all = failed.empty();
  const std::string count = counted(done.size(), "object");
  if (as_json)
    std::cout << pretty(json::object{{verb, std::move(done)}, {"failed", std::move(failed)}});
  else
    std::cerr << count << " " << verb << "\n";
  return all ? kDone : kFailed;
}

}  // namespace brigade::cli
