#include "body_reader.h"

#include <algorithm>

#include "brigade/base/check.h"

namespace brigade::net {

BodyReader::BodyReader(TimedSocket& socket, Inbox& inbox, BodyFraming framing, std::chrono::milliseconds io_timeout,
                       std::uint64_t rate_min, bool until_close)
    : socket_(socket),
      inbox_(inbox),
      framing_(framing),
      io_timeout_(io_timeout),
      rate_min_(rate_min),
      until_close_(until_close),
      done_(!until_close && (framing.kind == BodyFraming::Kind::kNone ||
                             (framing.kind == BodyFraming::Kind::kLength && framing.length == 0))),
      left_(framing.length) {}

std::optional<std::uint64_t> BodyReader::left() const {
  if (done_) return 0;
  if (until_close_ || framing_.kind == BodyFraming::Kind::kChunked) return std::nullopt;
  return left_;
}

asio::awaitable<Result<std::size_t>> BodyReader::read_some(std::span<std::byte> buffer) {
  BRIGADE_CHECK(!buffer.empty(), "a read into an empty buffer looks like the end of the body");
  if (done_) co_return std::size_t{0};
  const bool chunked = !until_close_ && framing_.kind == BodyFraming::Kind::kChunked;
  // No conditional operator here: g++ 12 destroys the result of a co_await in one of its arms twice.
  Result<std::size_t> count = std::size_t{0};
  if (chunked) {
    count = co_await read_chunked(buffer);
  } else {
    count = co_await read_plain(buffer);
  }
  if (count) received_ += *count;
  co_return count;
}

asio::awaitable<Result<std::size_t>> BodyReader::receive(asio::mutable_buffer buffer) {
  const auto before = TimedSocket::Clock::now();
  TimedSocket::Clock::duration patience = io_timeout_;
  if (rate_min_ > 0) {
    const auto earned = std::chrono::seconds(received_ / rate_min_);
    const auto credit = std::max<TimedSocket::Clock::duration>(io_timeout_, earned) - waited_;
    if (credit <= TimedSocket::Clock::duration::zero())
      co_return Error(Errc::kTimeout, "the body comes at less than " + std::to_string(rate_min_) + " bytes/s");
    patience = std::min<TimedSocket::Clock::duration>(credit, io_timeout_);
  }
  auto count = co_await socket_.read_some(buffer, before + patience);
  waited_ += TimedSocket::Clock::now() - before;
  if (count && *count == 0 && !until_close_)
    co_return Error(Errc::kClosed, "the other side went away in the middle of a body");
  co_return count;
}

asio::awaitable<Result<std::size_t>> BodyReader::read_plain(std::span<std::byte> buffer) {
  const std::size_t want =
      until_close_ ? buffer.size() : static_cast<std::size_t>(std::min<std::uint64_t>(left_, buffer.size()));
  std::size_t count = 0;
  if (!inbox_.empty()) {
    count = std::min(want, inbox_.view().size());
    std::memcpy(buffer.data(), inbox_.view().data(), count);
    inbox_.consume(count);
  } else {
    auto received = co_await receive(asio::mutable_buffer(buffer.data(), want));
    if (!received) co_return received;
    count = *received;
  }
  if (until_close_) {
    done_ = count == 0;
  } else {
    left_ -= count;
    done_ = left_ == 0;
  }
  co_return count;
}

asio::awaitable<Result<std::size_t>> BodyReader::read_chunked(std::span<std::byte> buffer) {
  while (true) {
    if (inbox_.empty() && chunks_.run() >= buffer.size()) {
      auto received = co_await receive(asio::mutable_buffer(buffer.data(), buffer.size()));
      if (received) chunks_.skip(*received);
      co_return received;
    }
    if (inbox_.empty()) {
      auto received = co_await receive(inbox_.room());
      if (!received) co_return received;
      inbox_.filled(*received);
    }
    const auto step = chunks_.decode(inbox_.view(), buffer);
    if (!step) co_return step.error();
    inbox_.consume(step->consumed);
    // The framing behind the data is taken at once where it is here already, so that done() is not late.
    done_ = chunks_.done();
    if (step->produced > 0 || done_) co_return step->produced;
  }
}

}  // namespace brigade::net
