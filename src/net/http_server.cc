#include "brigade/net/http_server.h"

#include "http_connection.h"
#include "text.h"

#include <list>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace brigade::net {

MovingConnection::~MovingConnection() {
  if (socket_ >= 0) ::close(socket_);
}

namespace {

using asio::ip::tcp;
using boost::system::error_code;
constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
/// How long accepting rests when the process has no file descriptors left.
constexpr std::chrono::milliseconds kAcceptRest{50};
/// Connections over the limit that are told so at a time.
constexpr std::size_t kRefusedMax = 256;
/// For coroutines to end after their connections were cut.
constexpr std::chrono::milliseconds kCutGrace{1'000};

struct Listener {
  Listener(const asio::any_io_executor& executor, ServerOptions options, Handler handler)
      : context(std::move(options), std::move(handler)), acceptor(executor), changed(executor) {}

  void stop_accepting() {
    context.draining = true;
    error_code ignored;
    acceptor.close(ignored);
    changed.cancel();
  }
  void cut() {
    for (HttpConnection* connection : connections) connection->cut();
  }

  /// Closes the connection that has waited longest for a request; false if none waits.
  bool make_room() {
    HttpConnection* longest = nullptr;
    for (HttpConnection* connection : connections) {
      const auto since = connection->idle_since();
      if (since && (longest == nullptr || *since < *longest->idle_since())) longest = connection;
    }
    if (longest != nullptr) longest->close_if_idle();
    return longest != nullptr;
  }

  ServerContext context;
  tcp::acceptor acceptor;
  asio::steady_timer changed;  ///< cancelled whenever a connection ends, or draining begins
  std::list<HttpConnection*> connections;
};

/// In the list for as long as it lives, also if the io_context is destroyed under it.
class Listed {
 public:
  Listed(Listener& listener, HttpConnection& connection)
      : listener_(listener), at_(listener.connections.insert(listener.connections.end(), &connection)) {}
  ~Listed() {
    listener_.connections.erase(at_);
    listener_.changed.cancel();
  }
  Listed(const Listed&) = delete;
  Listed& operator=(const Listed&) = delete;

 private:
  Listener& listener_;
  std::list<HttpConnection*>::iterator at_;
};

asio::awaitable<void> serve(std::shared_ptr<Listener> listener, tcp::socket socket, bool is_refused) {
  HttpConnection connection(std::move(socket), listener->context, is_refused);
  const Listed listed(*listener, connection);
  co_await connection.run();
}

asio::awaitable<void> go_on(std::shared_ptr<Listener> listener, MovingConnection moving) {
  sockaddr_storage name{};
  socklen_t length = sizeof name;
  const int handle = moving.release();
  ::getsockname(handle, reinterpret_cast<sockaddr*>(&name), &length);
  tcp::socket socket(listener->acceptor.get_executor(), name.ss_family == AF_INET6 ? tcp::v6() : tcp::v4(), handle);
  const bool is_full = listener->connections.size() >= listener->context.options.connections_max;
  HttpConnection connection(std::move(socket), listener->context, is_full && !listener->make_room());
  connection.take_over(moving.arrived, std::move(moving.session));
  const Listed listed(*listener, connection);
  co_await connection.run();
}

asio::awaitable<void> accept(std::shared_ptr<Listener> listener) {
  const std::size_t most = listener->context.options.connections_max;
  while (!listener->context.draining) {
    if (listener->connections.size() >= most + kRefusedMax) {
      listener->changed.expires_at(asio::steady_timer::time_point::max());
      (void)co_await listener->changed.async_wait(kTuple);
      continue;
    }
    auto [ec, socket] = co_await listener->acceptor.async_accept(kTuple);
    if (ec) {
      if (!listener->acceptor.is_open()) co_return;
      if (ec == asio::error::connection_aborted) continue;
      listener->changed.expires_after(kAcceptRest);
      (void)co_await listener->changed.async_wait(kTuple);
      continue;
    }
    const auto executor = listener->acceptor.get_executor();
    const bool is_refused = listener->connections.size() >= most && !listener->make_room();
    asio::co_spawn(executor, serve(listener, std::move(socket), is_refused), asio::detached);
    // The new coroutine is listed when it first runs; let it, so that connections_max holds.
    co_await asio::post(executor, asio::use_awaitable);
  }
}

Result<tcp::endpoint> endpoint_of(const std::string& address) {
  const auto parts = split_address(address);
  if (!parts) return parts.error();
  error_code ec;
  const auto ip = asio::ip::make_address(parts->first == "localhost" ? "127.0.0.1" : parts->first, ec);
  if (ec)
    return Error(Errc::kInvalid, "can't listen on '" + address + "': the host must be an IP address of this machine");
  return tcp::endpoint(ip, parts->second);
}

Error bind_error(const std::string& address, const error_code& ec) {
  if (ec == asio::error::address_in_use)
    return Error(Errc::kConflict,
                 address + " is in use; stop the program that listens there, or choose another address");
  return Error(Errc::kInvalid,
               "can't listen on " + address + ": " + ec.message() + "; choose an address of this machine");
}

class AsioHttpServer final : public HttpServer {
 public:
  AsioHttpServer(asio::any_io_executor executor, std::shared_ptr<Listener> listener, std::string address)
      : executor_(std::move(executor)), listener_(std::move(listener)), address_(std::move(address)) {}
  ~AsioHttpServer() override {
    listener_->stop_accepting();
    listener_->cut();
  }
  [[nodiscard]] std::string address() const override { return address_; }
  [[nodiscard]] std::size_t connections() const override { return listener_->connections.size(); }

  void adopt(MovingConnection connection) override {
    auto next = go_on(listener_, std::move(connection));
    asio::co_spawn(executor_, std::move(next), asio::detached);
  }

  asio::awaitable<void> drain(std::chrono::milliseconds deadline) override {
    const auto listener = listener_;
    listener->stop_accepting();
    for (HttpConnection* connection : listener->connections) connection->close_if_idle();
    const auto end = std::chrono::steady_clock::now() + deadline;
    co_await wait_until_gone(listener, end);
    listener->cut();
    co_await wait_until_gone(listener, end + kCutGrace);
  }

 private:
  static asio::awaitable<void> wait_until_gone(std::shared_ptr<Listener> listener,
                                               std::chrono::steady_clock::time_point end) {
    asio::steady_timer& changed = listener->changed;
    while (!listener->connections.empty() && std::chrono::steady_clock::now() < end) {
      changed.expires_at(end);
      (void)co_await changed.async_wait(kTuple);
    }
  }

  asio::any_io_executor executor_;
  std::shared_ptr<Listener> listener_;
  std::string address_;
};

using SharesPort = asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;

error_code open_listener(tcp::acceptor& acceptor, const tcp::endpoint& endpoint, bool shares_port) {
  error_code ec;
  acceptor.open(endpoint.protocol(), ec);
  if (!ec) acceptor.set_option(asio::socket_base::reuse_address(true), ec);
  if (!ec && shares_port) acceptor.set_option(SharesPort(true), ec);
  if (!ec) acceptor.bind(endpoint, ec);
  if (!ec) acceptor.listen(asio::socket_base::max_listen_connections, ec);
  return ec;
}

/// Two nodes that share an address would each get half of the other's clients, and never know.
error_code check_free(const asio::any_io_executor& executor, const tcp::endpoint& endpoint) {
  tcp::acceptor probe(executor);
  error_code ec;
  probe.open(endpoint.protocol(), ec);
  if (!ec) probe.set_option(asio::socket_base::reuse_address(true), ec);
  if (!ec) probe.bind(endpoint, ec);
  return ec;
}

}  // namespace

Result<std::unique_ptr<HttpServer>> HttpServer::start(asio::any_io_executor executor, ServerOptions options,
                                                      Handler handler) {
  const std::string address = options.address;
  const auto endpoint = endpoint_of(address);
  if (!endpoint) return endpoint.error();
  using Sharing = ServerOptions::Sharing;
  const Sharing sharing = options.sharing;
  auto listener = std::make_shared<Listener>(executor, std::move(options), std::move(handler));
  error_code ec;
  if (sharing == Sharing::kFirst) ec = check_free(executor, *endpoint);
  if (!ec) ec = open_listener(listener->acceptor, *endpoint, sharing != Sharing::kAlone);
  if (ec) return bind_error(address, ec);
  const auto bound = listener->acceptor.local_endpoint(ec);
  if (ec) return bind_error(address, ec);
  asio::co_spawn(executor, accept(listener), asio::detached);
  return std::unique_ptr<HttpServer>(
      std::make_unique<AsioHttpServer>(executor, std::move(listener), endpoint_text(bound)));
}

}  // namespace brigade::net
