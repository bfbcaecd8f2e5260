// A node's surroundings without sockets and without other nodes: what the cluster says, a request, its answer.
#pragma once

#include "replication/maps.h"

#include <algorithm>
#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <catch2/catch.hpp>

#include "brigade/net/http_server.h"
#include "brigade/node/control.h"

namespace brigade::node::testing {

namespace asio = boost::asio;
using replication::testing::MapMaker;

/// Runs `work` on `io` until it ends, a minute at most; throws what it throws.
inline void run_to_end(asio::io_context& io, asio::awaitable<void> work) {
  bool ended = false;
  asio::co_spawn(io, std::move(work), [&](const std::exception_ptr& error) {
    ended = true;
    if (error) std::rethrow_exception(error);
  });
  io.restart();
  io.run_for(std::chrono::seconds{60});
  REQUIRE(ended);
}

/// Says what the test wants, and notes what is proposed.
class FakeControl final : public Control {
 public:
  void show(const MapMaker& maker) {
    view_ = std::make_shared<const View>(View{.map = maker.map(),
                                              .state = cluster::State::kNormal,
                                              .epoch = Epoch{1, NodeId{1}},
                                              .coordinator = NodeId{1},
                                              .is_coordinator = is_coordinator,
                                              .in_roster = maker.map().node(NodeId{1}) != nullptr,
                                              .quorum_needed = 1,
                                              .present = 1,
                                              .last = maker.map().seq()});
  }
  [[nodiscard]] std::shared_ptr<const View> view() const override { return view_; }
  [[nodiscard]] bool may_serve() const override { return serves; }
  void report(wire::Report report) override {
    if (on_report) on_report(report);
    reported.push_back(std::move(report));
  }
  void propose(wire::Change change, std::function<void(Result<Position>)> done) override {
    proposed.push_back(std::move(change));
    done(outcome);
  }
  void index_fetched(Result<wire::Snapshot> /*snapshot*/) override {}
  [[nodiscard]] std::vector<LogLine> log(Seq /*after*/, std::size_t /*limit*/) const override { return {}; }
  [[nodiscard]] ControlStats stats() const override { return {}; }
  void stop() override {}

  std::function<void(const wire::Report&)> on_report;
  bool serves = true;
  bool is_coordinator = true;
  Result<Position> outcome = Position{Epoch{1, NodeId{1}}, Seq{42}};
  std::vector<wire::Change> proposed;
  std::vector<wire::Report> reported;

 private:
  std::shared_ptr<const View> view_;
};

class FakeRequest final : public net::Request {
 public:
  FakeRequest(net::RequestHead head, std::string body) : head_(std::move(head)), body_(std::move(body)) {
    if (!body_.empty()) framing_ = net::BodyFraming::of_length(body_.size());
  }
  [[nodiscard]] const net::RequestHead& head() const override { return head_; }
  [[nodiscard]] const net::BodyFraming& framing() const override { return framing_; }
  asio::awaitable<Result<std::size_t>> read_some(std::span<std::byte> buffer) override {
    const std::size_t count = std::min(buffer.size(), body_.size() - read);
    std::ranges::copy(std::as_bytes(std::span(body_)).subspan(read, count), buffer.begin());
    read += count;
    co_return count;
  }
  asio::awaitable<Result<std::string>> read_all(std::size_t bytes_max) override {
    if (body_.size() > bytes_max) co_return Error{Errc::kTooLarge, "too large"};
    co_return body_;
  }
  [[nodiscard]] std::optional<NodeId> peer() const override { return sender; }
  [[nodiscard]] const std::string& remote() const override { return from; }

  std::string from = "10.0.0.1:1000";
  std::optional<NodeId> sender;
  std::size_t read = 0;  ///< bytes of the body, piece by piece

 private:
  net::RequestHead head_;
  std::string body_;
  net::BodyFraming framing_;
};

class FakeResponse final : public net::Response {
 public:
  asio::awaitable<Status> send(net::ResponseHead head_in, std::string_view body_in) override {
    head = std::move(head_in);
    body = body_in;
    sent = true;
    co_return Status{};
  }
  asio::awaitable<Status> begin(net::ResponseHead /*head*/, net::BodyFraming /*framing*/) override {
    co_return Status{};
  }
  asio::awaitable<Status> write(std::span<const std::byte> /*bytes*/) override { co_return Status{}; }
  asio::awaitable<Status> end() override { co_return Status{}; }
  [[nodiscard]] bool begun() const override { return sent; }
  void close_after() override {}

  [[nodiscard]] boost::json::object object() const { return boost::json::parse(body).as_object(); }

  net::ResponseHead head;
  std::string body;
  bool sent = false;
};

}  // namespace brigade::node::testing
