#include "listing.h"

#include "commands.h"
#include "json_view.h"
#include "text.h"

#include <algorithm>
#include <utility>

#include "brigade/net/http_semantics.h"

namespace brigade::cli {

Result<Listing> list_objects(const ApiClient& client, const std::string& prefix) {
  Listing listing;
  std::string after;
  while (true) {
    auto target = "/cluster/objects?limit=1000&prefix=" + net::encode_key(prefix);
    if (!after.empty()) target += "&after=" + net::encode_key(after);
    const auto page = client.get_json(target);
    if (!page) return page.error();
    for (const auto& object : array_at(*page, "objects")) listing.objects.push_back(object);
    for (const auto& name : array_at(*page, "unreachable")) listing.unreachable.emplace(name.as_string());
    listing.unknown_buckets = std::max(listing.unknown_buckets, number_at(*page, "unknown_buckets"));
    const auto* const next = find_at(*page, "next");
    if (next == nullptr || !next->is_string()) return listing;
    std::string next_key(next->as_string());
    if (next_key <= after) return Error{Errc::kBadGateway, "the node's list of objects goes round in circles"};
    after = std::move(next_key);
  }
}

void complain_of_gaps(const Listing& listing) {
  if (listing.unknown_buckets > 0)
    complain("the list is not whole: no node that is up serves " + counted(listing.unknown_buckets, "bucket"));
  std::string missing;
  for (const std::string& name : listing.unreachable) missing += (missing.empty() ? "" : ", ") + name;
  if (!missing.empty()) complain("the list is not whole: no answer came from " + missing);
}

}  // namespace brigade::cli
