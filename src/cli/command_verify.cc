// verify: the proof that every object has its copies.
#include "api_client.h"
#include "commands.h"
#include "json_view.h"
#include "progress.h"
#include "render.h"
#include "scrub_client.h"
#include "text.h"

#include <chrono>
#include <iostream>
#include <utility>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

namespace brigade::cli {
namespace {

namespace json = boost::json;

constexpr std::chrono::seconds kPatience{150};  ///< nodes that find much that differs take their time

struct Pass {
  std::string name;
  ApiClient client;
  json::value begun;
};

/// Lets all nodes that are up read all that they store; what each says at the end. Errors: of the first that can't.
Result<json::array> read_everything(const ApiClient& client, const wire::ClusterSecret& secret) {
  const auto cluster = client.get_json("/cluster");
  if (!cluster) return cluster.error();
  std::vector<Pass> passes;
  for (const auto& member : array_at(*cluster, "roster")) {
    if (!is_true_at(member, "up")) continue;
    const auto address = node_address("http://" + text_at(member, "client"));
    if (!address) return address.error();
    const ApiClient at(*address);
    auto begun = begin_scrub(at, secret);
    if (!begun) return Error{begun.error().code(), text_at(member, "name") + ": " + begun.error().detail()};
    passes.push_back({text_at(member, "name"), at, std::move(*begun)});
  }
  json::array read;
  StatusLine status(stderr);
  for (const Pass& pass : passes) {
    const auto watch = [&](const json::value& now) { status.show(pass.name + ": " + scrub_text(now)); };
    auto scrub = wait_for_scrub(pass.client, pass.begun, watch);
    if (!scrub) return Error{scrub.error().code(), pass.name + ": " + scrub.error().detail()};
    json::object told = scrub->as_object();
    told["node"] = pass.name;
    read.push_back(std::move(told));
  }
  return read;
}

/// Why this is no proof, on stderr; false if it is one.
bool complain_of_proof(const json::value& proof) {
  bool complained = !is_true_at(proof, "whole");
  auto names = [&proof](std::string_view list) {
    std::string text;
    for (const auto& name : array_at(proof, list)) text += (text.empty() ? "" : ", ") + std::string(name.as_string());
    return text;
  };
  const std::string silent = names("silent"), down = names("down");
  if (!silent.empty()) complain("no proof: " + silent + " did not answer");
  if (const auto unknown = number_at(proof, "unknown_buckets"); unknown > 0)
    complain("no proof: of " + counted(unknown, "bucket") +
             " no node that is up knows all: start the nodes that are down, or see `brigade bucket accept-loss`");
  if (number_at(proof, "short") > 0 && !down.empty())
    complain("copies are missing, for these nodes are down: " + down +
             ". Others make them anew when the setting grace is over, or now for nodes that you `brigade drain`");
  else if (number_at(proof, "short") > 0)
    complain("copies are missing: they are made anew while buckets fill (`brigade status`); ask again after that");
  if (number_at(proof, "differing") > 0)
    complain("siblings differ and could not be made equal: the nodes' logs say why");
  for (const auto& read : array_at(proof, "read")) {
    const std::uint64_t left = number_at(read, "corrupt_now");
    if (left == 0) continue;
    complain(text_at(read, "node") + ": " + counted(left, "object") + " damaged, without a good copy: see its log");
    complained = true;
  }
  return complained;
}

}  // namespace

int run_verify(const NodeOptions& node, const AdminAccess& access, bool deep) {
  const auto address = node_address(node.url);
  if (!address) return fail(address.error());
  const ApiClient client(*address, kPatience);
  json::array read;
  if (deep) {
    const auto secret = admin_secret(access);
    if (!secret) {
      const int failed = fail(secret.error());
      return access.data_dir.empty() && access.token.empty() ? kUsage : failed;
    }
    auto all = read_everything(client, *secret);
    if (!all) return fail(all.error());
    read = std::move(*all);
  }
  auto proof = client.get_json("/cluster/verify");
  if (!proof) return fail(proof.error());
  if (deep && proof->is_object()) proof->as_object()["read"] = std::move(read);
  std::cout << (node.json ? pretty(*proof) : render_proof(*proof));
  return complain_of_proof(*proof) ? kFailed : kDone;
}

}  // namespace brigade::cli
