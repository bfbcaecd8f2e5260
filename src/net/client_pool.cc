#include "client_pool.h"

#include "head_format.h"
#include "head_parser.h"
#include "peer_hello.h"
#include "text.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace brigade::net {
namespace {

using asio::ip::tcp;
using boost::system::error_code;
constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
constexpr int kInterimAnswersMax = 8;

asio::awaitable<Result<std::vector<tcp::endpoint>>> resolve(asio::any_io_executor executor, std::string address,
                                                            TimedSocket::Deadline deadline) {
  const auto parts = split_address(address);
  if (!parts) co_return parts.error();
  std::vector<tcp::endpoint> endpoints;
  error_code ec;
  if (const auto ip = asio::ip::make_address(parts->first, ec); !ec) {
    endpoints.emplace_back(ip, parts->second);
    co_return endpoints;
  }
  tcp::resolver resolver(executor);
  asio::steady_timer timer(executor, deadline);
  timer.async_wait([&resolver](const error_code& expired) {
    if (!expired) resolver.cancel();
  });
  const auto [failed, found] = co_await resolver.async_resolve(parts->first, std::to_string(parts->second), kTuple);
  timer.cancel();
  if (failed) co_return Error(Errc::kUnavailable, "can't find the host of '" + address + "': " + failed.message());
  for (const auto& entry : found) endpoints.push_back(entry.endpoint());
  co_return endpoints;
}

}  // namespace

std::unique_ptr<ClientWire> ClientPool::take(const std::string& address) {
  const auto found = idle_.find(address);
  if (found == idle_.end()) return nullptr;
  auto& wires = found->second;
  const auto oldest = TimedSocket::Clock::now() - options_.idle_max;
  while (!wires.empty() && wires.front()->idle_since < oldest) wires.pop_front();
  while (!wires.empty()) {
    auto wire = std::move(wires.back());
    wires.pop_back();
    if (wire->socket.input_waits()) continue;
    wire->reused = true;
    return wire;
  }
  return nullptr;
}

void ClientPool::put(const std::string& address, std::unique_ptr<ClientWire> wire) {
  if (!wire->socket.is_open() || !wire->inbox.empty()) return;
  auto& wires = idle_[address];
  wire->idle_since = TimedSocket::Clock::now();
  const auto oldest = wire->idle_since - options_.idle_max;
  while (!wires.empty() && (wires.front()->idle_since < oldest || wires.size() >= options_.idle_per_address_max))
    wires.pop_front();
  wires.push_back(std::move(wire));
}

asio::awaitable<Result<std::unique_ptr<ClientWire>>> ClientPool::connect(std::string address) {
  const auto deadline = TimedSocket::Clock::now() + options_.connect_timeout;
  const auto endpoints = co_await resolve(executor_, address, deadline);
  if (!endpoints) co_return endpoints.error();
  std::string why = "no address";
  for (const tcp::endpoint& endpoint : *endpoints) {
    auto wire = std::make_unique<ClientWire>(tcp::socket(executor_));
    if (const auto s = co_await wire->socket.connect(endpoint, deadline); !s) {
      why = s.error().detail();
      continue;
    }
    if (options_.peer_auth != nullptr) {
      if (const auto s = co_await hello(*wire, address); !s) co_return s.error();
    }
    co_return wire;
  }
  co_return Error(Errc::kUnavailable, "can't connect to " + address + ": " + why);
}

asio::awaitable<Status> ClientPool::hello(ClientWire& wire, const std::string& address) {
  const std::string nonce = make_nonce();
  const std::string text = request_text(hello_request(*options_.peer_auth, nonce), BodyFraming::none(), address);
  asio::const_buffer buffer(text.data(), text.size());
  if (auto s = co_await wire.socket.write(std::span(&buffer, 1), options_.connect_timeout); !s)
    co_return Error(Errc::kUnavailable, "no hello with " + address + ": " + s.error().detail());
  bool keep_alive = false;
  const auto head = co_await read_answer_head(wire, options_.connect_timeout, keep_alive);
  if (!head) co_return Error(Errc::kUnavailable, "no hello with " + address + ": " + head.error().detail());
  auto session = read_hello_answer(*options_.peer_auth, nonce, *head);
  if (!session) co_return Error(session.error().code(), address + ": " + session.error().detail());
  if (!keep_alive || head->fields.find("Content-Length").value_or("") != "0")
    co_return Error(Errc::kBadGateway, address + ": the answer to the hello must have no body and keep the connection");
  wire.session.emplace(std::move(*session));
  co_return Status{};
}

asio::awaitable<Result<ResponseHead>> read_answer_head(ClientWire& wire, std::chrono::milliseconds timeout,
                                                       bool& keep_alive) {
  const auto deadline = TimedSocket::Clock::now() + timeout;
  for (int interim = 0; interim <= kInterimAnswersMax; ++interim) {
    HeadScanner scanner;
    std::size_t length = 0;
    while (length == 0) {
      const auto scanned = scanner.scan(wire.inbox.view());
      if (!scanned) co_return Error(Errc::kBadGateway, "the answer is not HTTP: " + scanned.error().detail());
      length = *scanned;
      if (length > 0) break;
      if (wire.inbox.full()) co_return Error(Errc::kBadGateway, "the head of the answer is too long");
      const auto count = co_await wire.socket.read_some(wire.inbox.room(), deadline);
      if (!count) co_return count.error();
      if (*count == 0) co_return Error(Errc::kClosed, "the other side closed the connection without an answer");
      wire.inbox.filled(*count);
    }
    auto parsed = parse_response_head(wire.inbox.view().substr(0, length));
    if (!parsed) co_return Error(Errc::kBadGateway, "the answer is not HTTP: " + parsed.error().detail());
    wire.inbox.consume(length);
    if (parsed->head.status < 200 && parsed->head.status != 101) continue;
    keep_alive = parsed->version >= 11 ? !connection_has(parsed->head.fields, "close")
                                       : connection_has(parsed->head.fields, "keep-alive");
    co_return std::move(parsed->head);
  }
  co_return Error(Errc::kBadGateway, "nothing but interim answers");
}

std::string request_text(const RequestHead& head, const BodyFraming& framing, std::string_view host) {
  std::string out;
  out.reserve(512);
  out.append(head.method).append(" ").append(head.target).append(" HTTP/1.1\r\n");
  if (!head.fields.find("Host")) append_field(out, "Host", host);
  append_fields(out, head.fields);
  append_framing(out, framing);
  out.append("\r\n");
  return out;
}

}  // namespace brigade::net
