#include "fake_node.h"

#include <stdexcept>
#include <thread>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include "brigade/net/http_server.h"

namespace brigade::test {
namespace {

namespace asio = boost::asio;

asio::awaitable<void> answer(const FakeNode::Reply& reply, net::Request& request, net::Response& response) {
  const auto body = co_await request.read_all(std::size_t{64} << 20);
  if (!body) co_return;
  const auto said = reply(request.head(), *body);
  net::ResponseHead head;
  head.status = said.status;
  head.fields = said.fields;
  co_await response.send(std::move(head), said.body);
}

asio::awaitable<void> drain(net::HttpServer& server) {
  co_await server.drain(std::chrono::milliseconds{1'000});
}

}  // namespace

struct FakeNode::State {
  Reply reply;
  asio::io_context io{1};
  std::unique_ptr<net::HttpServer> server;
  std::thread thread;
};

FakeNode::FakeNode(Reply reply) : state_(std::make_unique<State>()) {
  state_->reply = std::move(reply);
  auto server = net::HttpServer::start(state_->io.get_executor(), net::ServerOptions(),
                                       [state = state_.get()](net::Request& request, net::Response& response) {
                                         return answer(state->reply, request, response);
                                       });
  if (!server) throw std::runtime_error(server.error().detail());
  state_->server = std::move(*server);
  state_->thread = std::thread([this] { state_->io.run(); });
}

FakeNode::~FakeNode() {
  asio::co_spawn(state_->io, drain(*state_->server), asio::detached);
  state_->thread.join();
}

std::string FakeNode::address() const {
  return state_->server->address();
}

cli::Answer json_answer(int status, const std::string& body) {
  cli::Answer answer;
  answer.status = status;
  answer.fields.add("Content-Type", status < 400 ? "application/json" : "application/problem+json");
  answer.body = body;
  return answer;
}

}  // namespace brigade::test
