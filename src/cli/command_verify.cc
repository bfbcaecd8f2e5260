// verify: the proof that every object has its copies.
#include "api_client.h"
#include "commands.h"
#include "json_view.h"
#include "render.h"
#include "text.h"

#include <chrono>
#include <iostream>

namespace brigade::cli {

namespace {
constexpr std::chrono::seconds kPatience{150};  ///< nodes that find much that differs take their time
}  // namespace

int run_verify(const NodeOptions& node) {
  const auto address = node_address(node.url);
  if (!address) return fail(address.error());
  const auto proof = ApiClient(*address, kPatience).get_json("/cluster/verify");
  if (!proof) return fail(proof.error());
  std::cout << (node.json ? pretty(*proof) : render_proof(*proof));
  if (is_true_at(*proof, "whole")) return kDone;
  std::string silent;
  for (const auto& name : array_at(*proof, "silent"))
    silent += (silent.empty() ? "" : ", ") + std::string(name.as_string());
  if (!silent.empty()) complain("no proof: " + silent + " did not answer");
  if (const auto unknown = number_at(*proof, "unknown_buckets"); unknown > 0)
    complain("no proof: of " + counted(unknown, "bucket") +
             " no node that is up knows all: start the nodes that are down, or see `brigade bucket accept-loss`");
  if (number_at(*proof, "short") > 0)
    complain("copies are missing: they are made anew while buckets fill (`brigade status`); ask again after that");
  if (number_at(*proof, "differing") > 0)
    complain("siblings differ and could not be made equal: the nodes' logs say why");
  return kFailed;
}

}  // namespace brigade::cli
