#include "read_loop.h"

#include "client_read.h"
#include "read_path.h"
#include "thread_role.h"

#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace brigade::node {

namespace {

/// Another server at the address of `server`, whose requests go on there but for those that `is_own` says true to.
Result<std::unique_ptr<net::HttpServer>> listen_beside(net::HttpServer& server, const asio::any_io_executor& executor,
                                                       net::ServerOptions options,
                                                       bool (*is_own)(const net::RequestHead&), net::Handler handler) {
  options.address = server.address();
  options.sharing = net::ServerOptions::Sharing::kFurther;
  options.is_elsewhere = [is_own](const net::RequestHead& head) { return !is_own(head); };
  options.move = [&server](net::MovingConnection moving) { server.adopt(std::move(moving)); };
  return net::HttpServer::start(executor, std::move(options), std::move(handler));
}

}  // namespace

ReadLoop::ReadLoop(NodeContext& data, const net::ClientOptions& peers)
    : peers_(net::HttpClient::make(io_.get_executor(), peers)),
      context_(io_.get_executor(), data.config, data.self, data.control, data.store, *peers_, data.disk, data.shared) {}

Result<std::unique_ptr<ReadLoop>> ReadLoop::start(NodeContext& data, DataServers servers,
                                                  const net::ServerOptions& client, const net::ServerOptions& peer,
                                                  const net::ClientOptions& peers) {
  std::unique_ptr<ReadLoop> loop(new ReadLoop(data, peers));
  if (auto listening = loop->listen(servers, client, peer); !listening) return listening.error();
  loop->thread_ = std::thread([self = loop.get()] {
    take_role(ThreadRole::kData, "reads");
    self->io_.run();
  });
  data.stats_of_read_loops.push_back(&loop->context_.stats);
  return loop;
}

Status ReadLoop::listen(DataServers servers, net::ServerOptions client, net::ServerOptions peer) {
  const auto executor = io_.get_executor();
  net::Handler to_client = [this](net::Request& request, net::Response& response) {
    return serve_client_read(context_, request, response);
  };
  auto clients = listen_beside(servers.client, executor, std::move(client), is_client_read, std::move(to_client));
  if (!clients) return clients.error();
  client_server_ = std::move(*clients);
  net::Handler to_peer = [this](net::Request& request, net::Response& response) {
    return read_for_peer(context_, request, response);
  };
  auto peers = listen_beside(servers.peer, executor, std::move(peer), is_peer_read, std::move(to_peer));
  if (!peers) return peers.error();
  peer_server_ = std::move(*peers);
  return {};
}

ReadLoop::~ReadLoop() {
  io_.stop();
  if (thread_.joinable()) thread_.join();
}

asio::awaitable<void> ReadLoop::drain_clients(std::chrono::milliseconds deadline) {
  auto draining = client_server_->drain(deadline);
  co_await asio::co_spawn(io_, std::move(draining), asio::use_awaitable);
}

asio::awaitable<void> ReadLoop::drain_peers(std::chrono::milliseconds deadline) {
  auto draining = peer_server_->drain(deadline);
  co_await asio::co_spawn(io_, std::move(draining), asio::use_awaitable);
}

}  // namespace brigade::node
