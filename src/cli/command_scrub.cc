// scrub: a node's store is read now, and what is damaged is replaced.
#include "commands.h"
#include "json_view.h"
#include "progress.h"
#include "render.h"
#include "scrub_client.h"

#include <iostream>

namespace brigade::cli {

int run_scrub(const NodeOptions& node, const AdminAccess& access, bool wait) {
  const auto address = node_address(node.url);
  if (!address) return fail(address.error());
  const auto secret = admin_secret(access);
  if (!secret) {
    const int failed = fail(secret.error());
    return access.data_dir.empty() && access.token.empty() ? kUsage : failed;
  }
  const ApiClient client(*address);
  auto scrub = begin_scrub(client, *secret);
  if (scrub && wait) {
    StatusLine status(stderr);
    scrub = wait_for_scrub(client, *scrub, [&status](const auto& now) { status.show(scrub_text(now)); });
  }
  if (!scrub) return fail(scrub.error());
  if (node.json) {
    std::cout << pretty(*scrub);
  } else if (wait) {
    std::cout << ended_scrub_text(*scrub) << "\n";
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
