#include "dev_cluster.h"

#include "free_ports.h"
#include "open_file.h"
#include "temp_dir.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <set>
#include <sys/socket.h>

#include <catch2/catch.hpp>

#include "brigade/node/bootstrap.h"

namespace brigade::cli {
namespace {

using test::TempDir;

DevLayout layout_in(const TempDir& dir, std::uint32_t nodes) {
  DevLayout layout;
  layout.root = dir.path();
  layout.nodes = nodes;
  return layout;
}

/// A socket that holds a port of 127.0.0.1, and the address.
std::pair<OpenFile, std::string> busy_port(int type) {
  OpenFile socket(::socket(AF_INET, type, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  REQUIRE(::bind(socket.fd(), reinterpret_cast<sockaddr*>(&address), size) == 0);
  if (type == SOCK_STREAM) REQUIRE(::listen(socket.fd(), 1) == 0);
  REQUIRE(::getsockname(socket.fd(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
  return {std::move(socket), "127.0.0.1:" + std::to_string(ntohs(address.sin_port))};
}

}  // namespace

TEST_CASE("free ports are all different") {
  const auto ports = free_ports(50);
  REQUIRE(ports);
  CHECK(std::set<std::uint16_t>(ports->begin(), ports->end()).size() == 50);
}

TEST_CASE("a busy port is named") {
  const auto [tcp, tcp_address] = busy_port(SOCK_STREAM);
  const auto status = check_port_free(tcp_address, false);
  REQUIRE_FALSE(status);
  CHECK(status.error().code() == Errc::kConflict);
  CHECK_THAT(status.error().detail(), Catch::Contains(tcp_address));
  const auto [udp, udp_address] = busy_port(SOCK_DGRAM);
  CHECK(check_port_free(udp_address, false));
  CHECK_FALSE(check_port_free(udp_address, true));
}

TEST_CASE("a development cluster is made once, of one cluster, each node with its own addresses") {
  const TempDir dir;
  const auto made = prepare_dev_nodes(layout_in(dir, 3));
  REQUIRE(made);
  REQUIRE(made->size() == 3);
  std::set<std::string> addresses;
  for (const auto& node : *made) {
    CHECK(node.made_now);
    CHECK(node.config.cluster == made->front().config.cluster);
    CHECK(node.config.multicast == made->front().config.multicast);
    CHECK(node.config.interface == "127.0.0.1");
    addresses.insert(node.config.client_listen);
    addresses.insert(node.config.peer_listen);
  }
  CHECK(addresses.size() == 6);
  CHECK((*made)[1].config.name == "n2");
  CHECK((*made)[1].config.peers == std::vector<std::string>{made->front().config.peer_listen});
  CHECK(count_dev_nodes(dir.path()) == 3);

  const auto again = prepare_dev_nodes(layout_in(dir, 4));
  REQUIRE(again);
  REQUIRE(again->size() == 4);
  CHECK((*again)[2].config == (*made)[2].config);
  CHECK_FALSE((*again)[2].made_now);
  CHECK((*again)[3].made_now);
  CHECK((*again)[3].config.cluster == made->front().config.cluster);
}

TEST_CASE("ports count up from the ones that were asked for") {
  const TempDir dir;
  auto layout = layout_in(dir, 2);
  layout.client_port = 21080;
  layout.peer_port = 22080;
  const auto made = prepare_dev_nodes(layout);
  REQUIRE(made);
  CHECK((*made)[1].config.client_listen == "127.0.0.1:21081");
  CHECK((*made)[1].config.peer_listen == "127.0.0.1:22081");
  REQUIRE(prepare_dev_nodes(layout));  // the same ones again
  REQUIRE(prepare_dev_nodes(layout_in(dir, 2)));
  layout.client_port = 21180;
  const auto others = prepare_dev_nodes(layout);
  REQUIRE_FALSE(others);
  CHECK(others.error().code() == Errc::kConflict);
  CHECK_THAT(others.error().detail(), Catch::Contains("n1 is there and listens on 127.0.0.1:21080") &&
                                          Catch::Contains("--client-port") && Catch::Contains("brigade.toml"));
  auto too_high = layout_in(dir, 4);
  too_high.client_port = 65533;
  CHECK_FALSE(prepare_dev_nodes(too_high));
}

TEST_CASE("a directory of another cluster is not taken in") {
  const TempDir dir;
  const TempDir other;
  REQUIRE(prepare_dev_nodes(layout_in(dir, 1)));
  REQUIRE(prepare_dev_nodes(layout_in(other, 2)));
  std::filesystem::rename(other / "n2", dir / "n2");
  const auto mixed = prepare_dev_nodes(layout_in(dir, 2));
  REQUIRE_FALSE(mixed);
  CHECK_THAT(mixed.error().detail(), Catch::Contains("another cluster"));
}

}  // namespace brigade::cli
