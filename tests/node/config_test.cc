#include "brigade/node/config.h"

#include "temp_dir.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>

#include "brigade/base/limits.h"

namespace brigade::node {
namespace {

using Catch::Contains;
using test::read_file;
using test::TempDir;
using test::write_file;

Config sample() {
  Config config;
  config.name = "n1";
  config.zone = "rack-4";
  config.weight = 3;
  config.client_listen = "0.0.0.0:8080";
  config.client_advertise = "10.0.0.7:8080";
  config.peer_listen = "10.0.0.7:8081";
  config.transport = Transport::kUnicast;
  config.interface = "10.0.0.7";
  config.disks = {"/srv/b", "/srv/a disk"};
  config.small_object_max = std::uint64_t{256} << 10;
  config.writes_max = 40;
  config.request_memory = std::uint64_t{96} << 20;
  config.peers = {"10.0.0.8:8081", "[fd00::9]:8081", "n4.example:8081"};
  config.cluster = ClusterId{0x0123456789abcdef};
  config.naming_seed = 0xfedcba9876543210;
  config.event_loops = 3;
  config.log_level = "debug";
  return config;
}

wire::ClusterSecret sample_secret() {
  wire::ClusterSecret secret;
  for (std::size_t i = 0; i < secret.bytes.size(); ++i) secret.bytes[i] = static_cast<std::byte>(i * 7 + 1);
  return secret;
}

mode_t mode_of(const std::string& path) {
  struct stat info {};
  REQUIRE(stat(path.c_str(), &info) == 0);
  return info.st_mode & 07777;
}

/// What load_config says of `text`.
Error complaint_about(const TempDir& dir, const std::string& text) {
  write_file(dir / "brigade.toml", text);
  const auto loaded = load_config({dir.path()});
  REQUIRE_FALSE(loaded);
  return loaded.error();
}

std::string with_line(const std::string& line) {
  return "name = \"n1\"\nclient_listen = \"127.0.0.1:8080\"\npeer_listen = \"127.0.0.1:8081\"\n"
         "cluster = \"0123456789abcdef\"\nnaming_seed = \"0123456789abcdef\"\n" +
         line + "\n";
}

}  // namespace

TEST_CASE("a config that was saved is loaded as it was") {
  const TempDir dir;
  const auto config = sample();
  REQUIRE(save_config({dir.path()}, config));
  const auto loaded = load_config({dir.path()});
  REQUIRE(loaded);
  CHECK(*loaded == config);
  auto other = sample();
  other.peers.clear();
  other.zone.clear();
  other.transport = Transport::kMulticast;
  REQUIRE(save_config({dir.path()}, other));
  CHECK(load_config({dir.path()}).value() == other);
}

TEST_CASE("a saved config is for its owner only and has a comment above each key") {
  const TempDir dir;
  REQUIRE(save_config({dir.path()}, sample()));
  CHECK(mode_of(dir / "brigade.toml") == 0600);
  const auto text = read_file(dir / "brigade.toml");
  for (const char* key :
       {"name", "zone", "weight", "client_listen", "client_advertise", "peer_listen", "peer_advertise", "transport",
        "multicast", "interface", "disks", "small_object_max", "writes_max", "request_memory", "peers", "cluster",
        "naming_seed", "event_loops", "log_level"}) {
    CAPTURE(key);
    const auto at = text.find(std::string("\n") + key + " = ");
    REQUIRE(at != std::string::npos);
    CHECK(text[text.rfind('\n', at - 1) + 1] == '#');
  }
}

TEST_CASE("a config that is not there says how to make one") {
  const TempDir dir;
  const auto loaded = load_config({dir.path()});
  REQUIRE_FALSE(loaded);
  CHECK(loaded.error().code() == Errc::kNotFound);
  CHECK_THAT(loaded.error().detail(), Contains("brigade bootstrap"));
}

TEST_CASE("keys that a config leaves out have their defaults") {
  const TempDir dir;
  write_file(dir / "brigade.toml", with_line(""));
  const auto loaded = load_config({dir.path()});
  REQUIRE(loaded);
  CHECK(loaded->weight == 1);
  CHECK(loaded->multicast == "239.255.77.1:7400");
  CHECK(loaded->transport == Transport::kMulticast);
  CHECK(loaded->small_object_max == std::uint64_t{1} << 20);
}

TEST_CASE("a wrong line of a config is refused with its place, its key and what is allowed") {
  const TempDir dir;
  struct Case {
    const char* line;
    const char* key;
    const char* allowed;
  };
  for (const auto& wrong : std::vector<Case>{
           {"weight = -1", "line 6: weight", "from 0 to 1000000"},
           {"weight = 1000001", "line 6: weight", "from 0 to 1000000"},
           {"weight = \"3\"", "line 6: weight", "whole number"},
           {"weight = 1.0", "line 6: weight", "whole number"},
           {"zone = 4", "line 6: zone", "in quotes"},
           {"transport = \"carrier pigeon\"", "line 6: transport", "\"multicast\" or \"unicast\""},
           {"transport = 1", "line 6: transport", "in quotes"},
           {"peers = \"10.0.0.1:1\"", "line 6: peers", "list"},
           {"peers = [\"10.0.0.1:1\", 5]", "line 6: peers", "texts only"},
           {"disks = [\"srv/b\"]", "disks", "whole path"},
           {"disks = [\"/srv/b\", \"/srv/b\"]", "disks", "twice"},
           {"small_object_max = 65536", "line 6: small_object_max", "in quotes"},
           {"small_object_max = \"1 barrel\"", "line 6: small_object_max", "\"1MiB\""},
           {"small_object_max = \"8MiB\"", "small_object_max", "4KiB to 4MiB"},
           {"writes_max = 0", "writes_max", "from 1 to 65536"},
           {"writes_max = 65537", "line 6: writes_max", "65536"},
           {"request_memory = \"31MiB\"", "request_memory", "at least 32MiB"},
           {"small_object_max = \"4MiB\"\nrequest_memory = \"127MiB\"", "request_memory", "at least 128MiB"},
           {"request_memory = \"much\"", "line 6: request_memory", "1MiB"},
           {"request_memory = 5", "line 6: request_memory", "in quotes"},
           {"wieght = 3", "line 6: wieght", "no key"},
           {"weight = = 3", "line 6", ""},
           {"zone = \"a b\"", "zone", "A-Z a-z 0-9"},
           {"event_loops = 257", "event_loops", "0 to 256"},
           {"log_level = \"loud\"", "log_level", "trace, debug, info, warn or error"},
           {"multicast = \"10.0.0.1:7400\"", "multicast", "224.0.0.0"},
           {"multicast = \"239.255.77.1\"", "multicast", "HOST:PORT"},
           {"interface = \"eth0\"", "interface", "IPv4"},
           {"peers = [\"10.0.0.300:1\"]", "peers", "HOST:PORT"},
       }) {
    CAPTURE(wrong.line);
    const auto error = complaint_about(dir, with_line(wrong.line));
    CHECK(error.code() == Errc::kInvalid);
    CHECK_THAT(error.detail(), Contains(wrong.key) && Contains(wrong.allowed) && Contains("brigade.toml"));
  }
}

TEST_CASE("a config without a cluster is refused") {
  const TempDir dir;
  CHECK_THAT(complaint_about(dir, "name = \"n1\"\n").detail(), Contains("cluster is missing"));
  CHECK_THAT(complaint_about(dir, "cluster = \"0123\"\n").detail(), Contains("16 hex digits"));
}

TEST_CASE("names, addresses and weights keep their rules") {
  const auto refused = [](auto change) {
    auto config = sample();
    change(config);
    const auto status = check_config(config);
    return !status && status.error().code() == Errc::kInvalid;
  };
  CHECK(check_config(sample()));
  CHECK(refused([](Config& c) { c.name = ""; }));
  CHECK(refused([](Config& c) { c.name = "a/b"; }));
  CHECK(refused([](Config& c) { c.name = std::string(64, 'a'); }));
  CHECK_FALSE(refused([](Config& c) { c.name = std::string(63, 'a'); }));
  CHECK_FALSE(refused([](Config& c) { c.weight = 0; }));  // a spare
  CHECK(refused([](Config& c) { c.weight = limits::kWeightMax + 1; }));
  CHECK(refused([](Config& c) { c.client_listen = "10.0.0.7"; }));
  CHECK(refused([](Config& c) { c.client_listen = "10.0.0.7:0"; }));
  CHECK(refused([](Config& c) { c.client_listen = "10.0.0.7:65536"; }));
  CHECK(refused([](Config& c) { c.client_listen = "10.0.0.7:80 "; }));
  CHECK(refused([](Config& c) { c.client_listen = "n1.example:80"; }));
  CHECK_FALSE(refused([](Config& c) { c.client_advertise = "n1.example:80"; }));
  CHECK_FALSE(refused([](Config& c) { c.client_listen = "[::]:8080"; }));
  CHECK(refused([](Config& c) { c.peer_listen = c.client_advertise = "10.0.0.7:8080"; }));
  CHECK(refused([](Config& c) { c.cluster = ClusterId{}; }));
}

TEST_CASE("an address that others can't reach is not advertised") {
  auto config = sample();
  config.client_advertise.clear();
  const auto status = check_config(config);
  REQUIRE_FALSE(status);
  CHECK_THAT(status.error().detail(), Contains("client_advertise") && Contains("0.0.0.0:8080"));
}

TEST_CASE("multicast needs an IPv4 interface, named or from the peer address") {
  auto config = sample();
  config.transport = Transport::kMulticast;
  CHECK(check_config(config));
  config.interface.clear();
  CHECK(check_config(config));
  config.peer_listen = "[fd00::7]:8081";
  CHECK_FALSE(check_config(config));
  config.interface = "10.0.0.7";
  CHECK(check_config(config));
}

TEST_CASE("a secret that was saved is loaded, and never overwritten") {
  const TempDir dir;
  REQUIRE(save_secret({dir.path()}, sample_secret()));
  CHECK(mode_of(dir / "secret") == 0600);
  CHECK(load_secret({dir.path()}).value().bytes == sample_secret().bytes);
  const auto again = save_secret({dir.path()}, wire::ClusterSecret{});
  REQUIRE_FALSE(again);
  CHECK(again.error().code() == Errc::kConflict);
  CHECK(load_secret({dir.path()}).value().bytes == sample_secret().bytes);
}

TEST_CASE("a secret that is missing, malformed or readable by others is refused") {
  const TempDir dir;
  CHECK(load_secret({dir.path()}).error().code() == Errc::kNotFound);
  REQUIRE(save_secret({dir.path()}, sample_secret()));
  for (const mode_t mode : {0640, 0604, 0620, 0601}) {
    CAPTURE(mode);
    REQUIRE(chmod((dir / "secret").c_str(), mode) == 0);
    const auto loaded = load_secret({dir.path()});
    REQUIRE_FALSE(loaded);
    CHECK(loaded.error().code() == Errc::kUnauthorized);
    CHECK_THAT(loaded.error().detail(), Contains("chmod 600"));
  }
  for (const std::string text : {"", "00", "not hex", "0123"}) {
    CAPTURE(text);
    write_file(dir / "secret", text);
    REQUIRE(chmod((dir / "secret").c_str(), 0600) == 0);
    CHECK(load_secret({dir.path()}).error().code() == Errc::kInvalid);
  }
}

TEST_CASE("a join token survives its text form") {
  const JoinToken token{ClusterId{0x0123456789abcdef}, 42, sample_secret()};
  const auto text = to_text(token);
  CHECK_THAT(text, Catch::StartsWith("brigade1."));
  CHECK(text.find_first_of("+/= \n") == std::string::npos);
  CHECK(parse_join_token(text).value() == token);
  CHECK(parse_join_token("  " + text + "\n").value() == token);
}

TEST_CASE("a join token that was changed anywhere is refused as damaged") {
  const auto text = to_text({ClusterId{0x0123456789abcdef}, 42, sample_secret()});
  for (std::size_t i = std::string("brigade1.").size(); i < text.size(); ++i) {
    CAPTURE(i);
    auto changed = text;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    CHECK_THAT(parse_join_token(changed).error().detail(), Contains("damaged"));
    CHECK_THAT(parse_join_token(text.substr(0, i)).error().detail(), Contains("damaged"));
  }
  CHECK_THAT(parse_join_token(text + "A").error().detail(), Contains("damaged"));
}

TEST_CASE("what is no join token is called so") {
  for (const char* text : {"", " ", "brigade2.AAAA", "brigade1", "hello"}) {
    CAPTURE(text);
    CHECK_THAT(parse_join_token(text).error().detail(), Contains("not a join token"));
  }
}

}  // namespace brigade::node
