// bootstrap --join and signed changes against a node that answers as it is told.
#include "admin.h"
#include "commands.h"
#include "fake_node.h"
#include "temp_dir.h"

#include <filesystem>
#include <iostream>
#include <sstream>

#include <catch2/catch.hpp>

#include "brigade/node/admin_auth.h"
#include "brigade/node/config.h"

namespace brigade::cli {
namespace {

using Catch::Contains;
using test::FakeNode;
using test::json_answer;
using test::TempDir;

node::JoinToken token_of(unsigned seed) {
  node::JoinToken token;
  token.cluster = ClusterId{seed};
  token.naming_seed = 99;
  token.secret.bytes.fill(static_cast<std::byte>(seed));
  return token;
}

/// A node of the cluster of `token` that greets newcomers with `welcome`.
FakeNode::Reply greeter(const node::JoinToken& token, const std::string& welcome) {
  return [token, welcome](const net::RequestHead& request, const std::string& body) {
    const auto stamp =
        node::verify_call(token.secret, node::AdminPurpose::kJoin, {request.method, request.target, body},
                          request.fields.find(node::kAdminField), new_stamp().unix_seconds);
    if (!stamp) return json_answer(401, R"({"type":"/problems/unauthorized","detail":"the signature does not fit"})");
    auto answer = json_answer(200, welcome);
    answer.fields.add(node::kJoinField, node::sign_join_answer(token.secret, stamp->nonce, welcome));
    return answer;
  };
}

const std::string kWelcome = R"({"cluster":"0000000000000007","naming_seed":"0000000000000063","transport":"unicast",
  "multicast":"239.1.2.3:4","peers":["127.0.0.1:8081","127.0.0.2:8081"]})";

struct Joined {
  int code = 0;
  std::string err;
};

Joined join(const FakeNode& node, const node::JoinToken& token, const std::string& data) {
  BootstrapCommand command;
  command.data_dir = data;
  command.name = "n2";
  command.join_url = node.url();
  command.token = node::to_text(token);
  std::ostringstream err;
  auto* const before = std::cerr.rdbuf(err.rdbuf());
  Joined joined;
  joined.code = run_bootstrap(command);
  std::cerr.rdbuf(before);
  joined.err = err.str();
  return joined;
}

}  // namespace

TEST_CASE("a newcomer takes transport, group and peers from the cluster, and its address from the way there") {
  const TempDir dir;
  FakeNode node(greeter(token_of(7), kWelcome));
  const auto joined = join(node, token_of(7), dir / "n2");
  CAPTURE(joined.err);
  REQUIRE(joined.code == kDone);
  CHECK_THAT(joined.err, Contains("brigade serve --data " + dir.path()));
  const auto config = node::load_config({dir / "n2"});
  REQUIRE(config);
  CHECK(config->transport == node::Transport::kUnicast);
  CHECK(config->multicast == "239.1.2.3:4");
  CHECK(config->peers == std::vector<std::string>{"127.0.0.1:8081", "127.0.0.2:8081"});
  CHECK(config->client_advertise == "127.0.0.1:8080");
  CHECK(config->cluster == ClusterId{7});
  CHECK(config->naming_seed == 99);
  CHECK(node::load_secret({dir / "n2"}).value().bytes == token_of(7).secret.bytes);
}

TEST_CASE("a token of another cluster is refused with a clear message, and nothing is made") {
  const TempDir dir;
  FakeNode node(greeter(token_of(7), kWelcome));
  const auto joined = join(node, token_of(8), dir / "n2");
  CHECK(joined.code == kFailed);
  CHECK_THAT(joined.err, Contains("did not accept the token") && Contains("brigade token"));
  CHECK_FALSE(std::filesystem::exists(dir / "n2"));
}

TEST_CASE("a node that can't prove that it is of the token's cluster is not believed") {
  const TempDir dir;
  FakeNode liar([](const net::RequestHead&, const std::string&) { return json_answer(200, kWelcome); });
  const auto joined = join(liar, token_of(7), dir / "n2");
  CHECK(joined.code == kFailed);
  CHECK_THAT(joined.err, Contains("does not belong to the token's cluster"));
  CHECK_FALSE(std::filesystem::exists(dir / "n2"));
}

TEST_CASE("a stale token, a strange answer and a refusal are told apart") {
  const TempDir dir;
  const auto refused_with = [&](const std::string& welcome) {
    FakeNode node(greeter(token_of(7), welcome));
    const auto joined = join(node, token_of(7), dir / "n2");
    CHECK(joined.code == kFailed);
    return joined.err;
  };
  CHECK_THAT(refused_with(R"({"cluster":"0000000000000007","naming_seed":"0000000000000064","peers":["127.0.0.1:1"]})"),
             Contains("stale"));
  CHECK_THAT(refused_with(R"({"cluster":"0000000000000008","naming_seed":"0000000000000063","peers":["127.0.0.1:1"]})"),
             Contains("is of cluster"));
  CHECK_THAT(refused_with(R"({"cluster":"0000000000000007","naming_seed":"0000000000000063","peers":[]})"),
             Contains("no peer"));
  CHECK_THAT(refused_with("nonsense"), Contains("no JSON"));
  CHECK_THAT(refused_with(R"({"cluster":"0000000000000007","naming_seed":"0000000000000063","peers":["127.0.0.1:1"],)"
                          R"("protocol":2})"),
             Contains("protocol version 2, and this program reads version 1: run a newer release"));
  FakeNode full([](const net::RequestHead&, const std::string&) {
    return json_answer(409,
                       R"({"type":"/problems/conflict","detail":"there is a node n2 already: choose another --name"})");
  });
  CHECK_THAT(join(full, token_of(7), dir / "n2").err, Contains("choose another --name"));
  CHECK_FALSE(std::filesystem::exists(dir / "n2"));
}

TEST_CASE("a change is signed so that the gate of the cluster lets it in, and no other") {
  node::AdminGate gate(token_of(7).secret);
  std::string seen;
  FakeNode node([&](const net::RequestHead& request, const std::string& body) {
    const auto stamp = gate.admit(node::AdminPurpose::kAdmin, {request.method, request.target, body},
                                  request.fields.find(node::kAdminField), new_stamp().unix_seconds);
    seen = request.method + " " + request.target + " " + body;
    return stamp ? json_answer(200, "{}") : json_answer(401, R"({"detail":"the signature does not fit"})");
  });
  NodeOptions options;
  options.url = node.url();
  std::ostringstream err;
  auto* const before = std::cerr.rdbuf(err.rdbuf());
  const int accepted = run_settings(options, {"", node::to_text(token_of(7))}, "lease=1s");
  const int again = run_remove(options, {"", node::to_text(token_of(7))}, "n2");
  const int foreign = run_remove(options, {"", node::to_text(token_of(8))}, "n2");
  std::cerr.rdbuf(before);
  CHECK(accepted == kDone);
  CHECK(again == kDone);
  CHECK(foreign == kFailed);
  CHECK(seen == R"(POST /cluster/remove {"node":"n2"})");
  CHECK_THAT(err.str(), Contains("does not fit"));
}

}  // namespace brigade::cli
