#include "brigade/node/bootstrap.h"

#include "temp_dir.h"

#include <filesystem>
#include <sys/stat.h>

#include <catch2/catch.hpp>

#include "brigade/store/journal.h"

namespace brigade::node {
namespace {

using Catch::Contains;
using test::TempDir;

Config sample(const std::string& name) {
  Config config;
  config.name = name;
  config.zone = "east";
  config.weight = 2;
  config.client_listen = "127.0.0.1:8080";
  config.peer_listen = "127.0.0.1:8081";
  return config;
}

}  // namespace

TEST_CASE("a new cluster starts with one node that is up, its settings, and no bucket assigned") {
  const TempDir temp;
  const DataDir dir{temp / "a/n1"};
  const auto token = bootstrap_cluster(dir, sample("n1"), {{"redundancy", "4"}, {"lease", "0.5s"}});
  REQUIRE(token);
  const auto state = store::Journal::read(dir.journal());
  REQUIRE(state);
  CHECK(state->identity.cluster == token->cluster);
  CHECK(state->identity.node);
  CHECK(state->identity.store);
  CHECK(state->log.empty());
  REQUIRE(state->snapshot);
  const auto& snapshot = *state->snapshot;
  CHECK(snapshot.cluster == token->cluster);
  CHECK(snapshot.last == Position{Epoch{1, state->identity.node}, Seq{1}});
  CHECK(snapshot.roster_seq == Seq{1});
  CHECK(snapshot.view == Seq{1});
  CHECK(snapshot.settings == std::map<std::string, std::string>{{"redundancy", "4"}, {"lease", "500ms"}});
  REQUIRE(snapshot.roster.size() == 1);
  const auto& node = snapshot.roster.front();
  CHECK(node.up);
  CHECK(node.node.id == state->identity.node);
  CHECK(node.node.store == state->identity.store);
  CHECK(node.node.name == "n1");
  CHECK(node.node.zone == "east");
  CHECK(node.node.weight == 2);
  CHECK(node.node.client == "127.0.0.1:8080");
  CHECK(node.node.peer == "127.0.0.1:8081");
  CHECK(snapshot.cells == std::vector<wire::Cell>(kBucketCount));
}

TEST_CASE("the directories of further disks are made, closed to others, unless there is nowhere to make them") {
  const TempDir temp;
  Config config = sample("n1");
  config.disks = {temp / "b", temp / "c"};
  std::filesystem::create_directory(temp / "c");
  REQUIRE(bootstrap_cluster({temp / "n1"}, config, {}));
  struct stat status {};
  REQUIRE(::stat(config.disks[0].c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0700);
  config.disks = {temp / "d", temp / "none/e"};
  const auto nowhere = bootstrap_cluster({temp / "n2"}, config, {});
  REQUIRE_FALSE(nowhere);
  CHECK_THAT(nowhere.error().detail(), Contains("none/e can't be made"));
  CHECK_FALSE(std::filesystem::exists(temp / "d"));
  CHECK_FALSE(std::filesystem::exists(temp / "n2"));
}

TEST_CASE("a data directory is closed to others and gives its cluster's token again") {
  const TempDir temp;
  const DataDir dir{temp / "n1"};
  std::filesystem::create_directory(dir.root);
  const auto token = bootstrap_cluster(dir, sample("n1"), {});
  REQUIRE(token);
  struct stat info {};
  REQUIRE(stat(dir.root.c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0700);
  CHECK(join_token_of(dir).value() == *token);
}

TEST_CASE("two clusters share nothing") {
  const TempDir temp;
  const auto a = bootstrap_cluster({temp / "a"}, sample("n1"), {});
  const auto b = bootstrap_cluster({temp / "b"}, sample("n1"), {});
  REQUIRE(a);
  REQUIRE(b);
  CHECK(a->cluster != b->cluster);
  CHECK(a->naming_seed != b->naming_seed);
  CHECK(a->secret.bytes != b->secret.bytes);
}

TEST_CASE("a node that joins has an identity of its own and no snapshot") {
  const TempDir temp;
  const auto token = bootstrap_cluster({temp / "n1"}, sample("n1"), {});
  REQUIRE(token);
  auto config = sample("n2");
  config.peers = {"127.0.0.1:8081"};
  REQUIRE(bootstrap_member({temp / "n2"}, config, *token));
  const auto first = store::Journal::read(temp / "n1/journal.db");
  const auto second = store::Journal::read(temp / "n2/journal.db");
  REQUIRE(first);
  REQUIRE(second);
  CHECK(second->identity.cluster == token->cluster);
  CHECK(second->identity.node != first->identity.node);
  CHECK(second->identity.store != first->identity.store);
  CHECK_FALSE(second->snapshot);
  const auto loaded = load_config({temp / "n2"});
  REQUIRE(loaded);
  CHECK(loaded->peers == config.peers);
  CHECK(loaded->cluster == token->cluster);
  CHECK(loaded->naming_seed == token->naming_seed);
  CHECK(load_secret({temp / "n2"}).value().bytes == token->secret.bytes);
}

TEST_CASE("the first node of a cluster is no spare") {
  const TempDir temp;
  auto config = sample("n1");
  config.weight = 0;
  const auto refused = bootstrap_cluster({temp / "n1"}, config, {});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == Errc::kInvalid);
  CHECK_FALSE(std::filesystem::exists(temp / "n1"));
}

TEST_CASE("a directory that holds something is left as it is") {
  const TempDir temp;
  test::write_file(temp / "d/photo.jpg", "x");
  const auto refused = bootstrap_cluster({temp / "d"}, sample("n1"), {});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == Errc::kConflict);
  CHECK_THAT(refused.error().detail(), Contains("not empty"));
  CHECK(std::distance(std::filesystem::directory_iterator(temp / "d"), {}) == 1);

  REQUIRE(bootstrap_cluster({temp / "n1"}, sample("n1"), {}));
  const auto token = join_token_of({temp / "n1"});
  const auto again = bootstrap_cluster({temp / "n1"}, sample("n1"), {});
  REQUIRE_FALSE(again);
  CHECK_THAT(again.error().detail(), Contains("brigade serve"));
  CHECK(join_token_of({temp / "n1"}).value() == token.value());
}

TEST_CASE("a bootstrap that is refused leaves nothing behind") {
  const TempDir temp;
  CHECK_FALSE(bootstrap_cluster({temp / "n1"}, sample("n/1"), {}));
  CHECK_FALSE(bootstrap_cluster({temp / "n1"}, sample("n1"), {{"lease", "soon"}}));
  CHECK_FALSE(bootstrap_cluster({temp / "n1"}, sample("n1"), {{"laese", "1s"}}));
  CHECK_FALSE(std::filesystem::exists(temp / "n1"));
}

TEST_CASE("a listen address that is no wildcard is advertised as it is") {
  CHECK(reachable_address("127.0.0.1:8080", "10.0.0.1:80").value() == "127.0.0.1:8080");
}

TEST_CASE("a wildcard is advertised as this machine's address on the way to the others") {
  CHECK(reachable_address("0.0.0.0:8080", "127.0.0.1:80").value() == "127.0.0.1:8080");
  CHECK_FALSE(reachable_address("0.0.0.0:8080", "nonsense"));
}

}  // namespace brigade::node
