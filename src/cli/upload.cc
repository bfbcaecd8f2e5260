#include "upload.h"

#include "api_client.h"
#include "media_type.h"
#include "open_file.h"
#include "retry.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

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
constexpr std::size_t kAnswerBytesMax = std::size_t{1} << 20;

/// The shared state of one upload_all; its workers take files in turn, all in one thread.
class Uploader {
 public:
  Uploader(const UploadOptions& options, const std::vector<FileToPut>& files, const UploadProgress& progress)
      : options_(options), progress_(progress) {
    for (const auto& file : files) {
      Upload upload;
      upload.path = file.path;
      upload.key = file.key;
      upload.size = file.size;
      uploads_.push_back(std::move(upload));
    }
  }

  std::vector<Upload> run() {
    net::ClientOptions client_options;
    client_options.io_timeout = std::chrono::seconds{60};
    client_ = net::HttpClient::make(io_.get_executor(), client_options);
    running_ = std::clamp<std::size_t>(options_.parallel, 1, std::max<std::size_t>(uploads_.size(), 1));
    const std::size_t workers = running_;
    for (std::size_t i = 0; i < workers; ++i) asio::co_spawn(io_, work(), asio::detached);
    io_.run();
    return std::move(uploads_);
  }

 private:
  asio::awaitable<void> work() {
    while (next_ < uploads_.size()) {
      Upload& upload = uploads_[next_++];
      co_await put(upload);
      progress_(0, &upload);
    }
    if (--running_ == 0) client_->clear();
  }

  asio::awaitable<void> put(Upload& upload) {
    for (upload.attempts = 1;; ++upload.attempts) {
      std::int64_t sent = 0;
      const Result<Answer> answer = co_await attempt(upload, sent);
      if (answer && answer->status >= 200 && answer->status < 300) {
        upload.receipt = answer->fields;
        upload.error.reset();
        co_return;
      }
      upload.error = answer ? problem_of(*answer) : answer.error();
      const auto delay = answer ? retry_delay(upload.attempts, answer->status, answer->fields.find("Retry-After"))
                                : retry_delay(upload.attempts, answer.error().code());
      progress_(-sent, nullptr);
      if (delay && gave_up_ > 1 && upload.error->code() == Errc::kNoQuorum) co_return;
      if (!delay) {
        // Others wait no longer for a cluster that has just not come back for two files.
        gave_up_ =
            upload.error->code() == Errc::kNoQuorum || upload.error->code() == Errc::kUnavailable ? gave_up_ + 1 : 0;
        co_return;
      }
      asio::steady_timer timer(io_, *delay);
      co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
    }
  }

  /// One PUT from the first byte on. `sent` counts what progress was told.
  asio::awaitable<Result<Answer>> attempt(const Upload& upload, std::int64_t& sent) {
    const OpenFile file(upload.path, O_RDONLY);
    if (!file.is_open()) co_return Error(Errc::kIo, std::string("can't be opened: ") + std::strerror(errno));
    net::RequestHead head = head_for(upload);
    std::string address = options_.address;
    const auto framing = net::BodyFraming::of_length(upload.size);
    auto exchange = co_await client_->open(std::move(address), std::move(head), framing);
    if (!exchange) co_return exchange.error();
    std::vector<std::byte> piece(std::min<std::uint64_t>(kPieceBytes, std::max<std::uint64_t>(upload.size, 1)));
    for (std::uint64_t left = upload.size; left > 0;) {
      const auto got = ::read(file.fd(), piece.data(), std::min<std::uint64_t>(piece.size(), left));
      if (got <= 0) {
        (*exchange)->cancel();
        co_return Error(Errc::kIo,
                        got < 0 ? std::string("can't be read: ") + std::strerror(errno) : "shrank while it was read");
      }
      const std::span<const std::byte> bytes(piece.data(), static_cast<std::size_t>(got));
      const Status written = co_await (*exchange)->write(bytes);
      if (!written && written.error().code() == Errc::kClosed) break;  // the answer may have come already
      if (!written) co_return written.error();
      left -= static_cast<std::uint64_t>(got);
      sent += got;
      progress_(got, nullptr);
    }
    auto response = co_await (*exchange)->response();
    if (!response) co_return response.error();
    auto body = co_await (*exchange)->read_all(kAnswerBytesMax);
    Answer answer;
    answer.status = response->status;
    answer.fields = response->fields;
    // A success counts without its body; a problem without its detail is still a problem.
    if (body) answer.body = *body;
    co_return answer;
  }

  net::RequestHead head_for(const Upload& upload) const {
    net::RequestHead head;
    head.method = "PUT";
    head.target = "/o/" + net::encode_key(upload.key);
    head.fields.add("Content-Type", options_.content_type.empty() ? media_type_of(upload.path) : options_.content_type);
    if (options_.redundancy) head.fields.add("Brigade-Redundancy", std::to_string(*options_.redundancy));
    if (options_.expires_in_seconds > 0)
      head.fields.add("Brigade-Expires-In", std::to_string(options_.expires_in_seconds));
    return head;
  }

  const UploadOptions& options_;
  const UploadProgress& progress_;
  std::vector<Upload> uploads_;
  asio::io_context io_{1};
  std::unique_ptr<net::HttpClient> client_;
  std::size_t next_ = 0;
  std::size_t running_ = 0;
  int gave_up_ = 0;  ///< files in a row for which nobody served, however often they were tried
};

}  // namespace

std::vector<Upload> upload_all(const UploadOptions& options, const std::vector<FileToPut>& files,
                               const UploadProgress& progress) {
  return Uploader(options, files, progress).run();
}

}  // namespace brigade::cli
