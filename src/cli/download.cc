#include "download.h"

#include "api_client.h"
#include "retry.h"

#include <cerrno>
#include <cstring>
#include <optional>
#include <span>
#include <unistd.h>
#include <vector>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "brigade/net/http_client.h"
#include "brigade/net/http_semantics.h"

namespace brigade::cli {
namespace {

namespace asio = boost::asio;

constexpr std::size_t kPieceBytes = std::size_t{256} << 10;
constexpr int kRedirectsMax = 4;

Status write_all(int fd, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const auto written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return Error{Errc::kIo, std::string("can't be written: ") + std::strerror(errno)};
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return {};
}

/// Splits "http://HOST:PORT/o/KEY".
std::optional<std::pair<std::string, std::string>> split_location(std::string_view location) {
  const auto path = location.find('/', location.find("://") == std::string_view::npos ? 0 : location.find("://") + 3);
  if (path == 0 || path == std::string_view::npos) return std::nullopt;
  const auto address = node_address(location.substr(0, path));
  if (!address) return std::nullopt;
  return std::pair(*address, std::string(location.substr(path)));
}

class Downloader {
 public:
  Downloader(std::string address, const std::string& key, int fd)
      : address_(std::move(address)), target_("/o/" + net::encode_key(key)), fd_(fd) {}

  Result<net::ResponseHead> run() {
    client_ = net::HttpClient::make(io_.get_executor(), net::ClientOptions());
    asio::co_spawn(io_, work(), asio::detached);
    io_.run();
    return std::move(outcome_);
  }

 private:
  asio::awaitable<void> work() {
    outcome_ = co_await get();
    client_->clear();
  }

  asio::awaitable<Result<net::ResponseHead>> get() {
    int redirects = 0;
    for (int attempt = 1;; ++attempt) {
      net::RequestHead head;
      head.method = "GET";
      head.target = target_;
      std::string address = address_;
      auto exchange = co_await client_->open(std::move(address), std::move(head), net::BodyFraming::none());
      if (!exchange) co_return exchange.error();
      auto response = co_await (*exchange)->response();
      if (!response) co_return response.error();
      if (response->status == 200) {
        const Status copied = co_await copy(**exchange);
        if (!copied) co_return copied.error();
        co_return *response;
      }
      auto body = co_await (*exchange)->read_all(std::size_t{1} << 20);
      if (response->status == 307 && redirects++ < kRedirectsMax) {
        const auto next = split_location(response->fields.find("Location").value_or(""));
        if (!next) co_return Error(Errc::kBadGateway, "the node redirects to nowhere");
        std::tie(address_, target_) = *next;
        --attempt;
        continue;
      }
      Answer answer;
      answer.status = response->status;
      answer.fields = response->fields;
      if (body) answer.body = *body;
      const auto delay = retry_delay(attempt, answer.status, answer.fields.find("Retry-After"));
      if (!delay) co_return problem_of(answer);
      asio::steady_timer timer(io_, *delay);
      co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
    }
  }

  asio::awaitable<Status> copy(net::Exchange& exchange) {
    std::vector<std::byte> piece(kPieceBytes);
    while (true) {
      const auto got = co_await exchange.read_some(piece);
      if (!got) co_return got.error();
      if (*got == 0) co_return Status();
      const std::span<const std::byte> bytes(piece.data(), *got);
      const Status written = write_all(fd_, bytes);
      if (!written) co_return written.error();
    }
  }

  std::string address_;
  std::string target_;
  int fd_;
  asio::io_context io_{1};
  std::unique_ptr<net::HttpClient> client_;
  Result<net::ResponseHead> outcome_ = Error{Errc::kInternal, "the HTTP client gave no answer"};
};

}  // namespace

Result<net::ResponseHead> download(const std::string& address, const std::string& key, int fd) {
  return Downloader(address, key, fd).run();
}

}  // namespace brigade::cli
