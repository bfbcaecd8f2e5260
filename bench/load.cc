// A client that is no bottleneck: one thread, N keep-alive connections, each with one request under way; GETs of
// objects that are there beside PUTs of new ones. Prints JSON.
//   bench_load --node HOST:PORT [--node ..] --objects N --put-share P (--seconds S | --requests N) ...
// Objects 0 to N-1 are there: --objects 0 --put-share 1 --requests N stores them. Every answer must have the right
// length, every 16th the right bytes. 503 is asked again at once, within the same latency, and counted.
#include "objects.h"

#include <arpa/inet.h>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <netinet/tcp.h>
#include <optional>
#include <string>
#include <string_view>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <CLI/CLI.hpp>

namespace brigade::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint64_t kCompareEach = 16;
constexpr std::uint64_t kRefusalsMax = 100'000;
constexpr std::size_t kReceiveBytes = 256 * 1024;

struct Options {
  std::vector<std::string> nodes;
  std::string prefix = "load";
  std::uint64_t connections = 16, objects = 0, first_new = 0, requests = UINT64_MAX, seed = 1, size = 0;
  double put_share = 0, seconds = 1e9;
};

[[noreturn]] void fail(const std::string& why) {
  std::fprintf(stderr, "bench_load: %s\n", why.c_str());
  std::exit(1);
}

double seconds_between(Clock::time_point begin, Clock::time_point end) {
  return std::chrono::duration<double>(end - begin).count();
}

/// Decides what is asked next, and counts what was answered.
class Workload {
 public:
  explicit Workload(const Options& options)
      : options_(options),
        objects_(options.seed, options.size),
        popularity_(options.objects),
        // Another draw in each run: what one run has read must not be what the next one reads.
        prng_(options.seed ^ static_cast<std::uint64_t>(Clock::now().time_since_epoch().count())),
        next_(options.first_new) {}

  struct Request {
    bool is_put;
    std::uint64_t number;
    std::span<const std::byte> bytes;
  };
  /// Nothing once it is over.
  std::optional<Request> next() {
    if (begun_ == options_.requests || seconds_between(start_, Clock::now()) >= options_.seconds) return std::nullopt;
    ++begun_;
    const bool is_put = options_.objects == 0 || share(prng_) < options_.put_share;
    const std::uint64_t number = is_put ? next_++ : popularity_.draw(prng_);
    return Request{is_put, number, objects_.bytes_of(number)};
  }
  void answered(const Request& request, double seconds) {
    (request.is_put ? puts_ : gets_).add(seconds, request.bytes.size());
  }
  void refused() {
    if (++refused_ == kRefusalsMax) fail("the nodes go on refusing");
  }
  [[nodiscard]] bool compares() { return ++answers_ % kCompareEach == 0; }

  void print() {
    const double took = seconds_between(start_, Clock::now());
    const boost::json::object result{{"seconds", took},
                                     {"client_processor_seconds", static_cast<double>(std::clock()) / CLOCKS_PER_SEC},
                                     {"refused", refused_},
                                     {"next_new", next_},
                                     {"get", gets_.summary(took)},
                                     {"put", puts_.summary(took)}};
    std::printf("%s\n", boost::json::serialize(result).c_str());
  }

 private:
  const Options& options_;
  Objects objects_;
  Popularity popularity_;
  Prng prng_;
  std::uint64_t next_, begun_ = 0, refused_ = 0, answers_ = 0;
  Latencies gets_, puts_;
  Clock::time_point start_ = Clock::now();
};

class Connection {
 public:
  Connection(Workload& workload, const Options& options, const std::string& node, int epoll)
      : workload_(workload), options_(options), node_(node), epoll_(epoll), received_(kReceiveBytes) {
    const auto colon = node.find(':');
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(std::atoi(node.substr(colon + 1).c_str())));
    if (colon == std::string::npos || inet_pton(AF_INET, node.substr(0, colon).c_str(), &address.sin_addr) != 1) {
      fail("no address and port: " + node);
    }
    socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
      fail("can't connect to " + node);
    const int one = 1;
    ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    epoll_event event{.events = EPOLLIN, .data = {.ptr = this}};
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, socket_, &event);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() { ::close(socket_); }

  /// False once there is nothing more to ask.
  bool begin() {
    request_ = workload_.next();
    if (!request_) return false;
    began_ = Clock::now();
    ask();
    return true;
  }
  /// True if it is under way still, or again.
  bool on_event(std::uint32_t events) {
    if (events & EPOLLOUT) send();
    return !(events & ~EPOLLOUT) || receive();
  }

 private:
  void ask() {
    head_ = std::string(request_->is_put ? "PUT" : "GET") + " /o/" + options_.prefix + "/" +
            std::to_string(request_->number) + " HTTP/1.1\r\nHost: " + node_ + "\r\n";
    if (request_->is_put)
      head_ += "Content-Type: image/jpeg\r\nContent-Length: " + std::to_string(request_->bytes.size()) + "\r\n";
    head_ += "\r\n";
    body_ = request_->is_put ? request_->bytes : std::span<const std::byte>{};
    sent_ = filled_ = 0;
    body_left_.reset();
    send();
  }

  void send() {
    while (sent_ < head_.size() + body_.size()) {
      const std::size_t of_head = std::min(sent_, head_.size()), of_body = sent_ - of_head;
      iovec parts[] = {{head_.data() + of_head, head_.size() - of_head},
                       {const_cast<std::byte*>(body_.data()) + of_body, body_.size() - of_body}};
      const msghdr message{.msg_iov = parts, .msg_iovlen = 2};
      const ssize_t count = ::sendmsg(socket_, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
      if (count < 0 && errno != EAGAIN) fail("connection lost while sending to " + node_);
      if (count < 0) return wait_for(EPOLLIN | EPOLLOUT);
      sent_ += static_cast<std::size_t>(count);
    }
    wait_for(EPOLLIN);
  }

  void wait_for(std::uint32_t events) {
    if (events == waits_for_) return;
    waits_for_ = events;
    epoll_event event{.events = events, .data = {.ptr = this}};
    ::epoll_ctl(epoll_, EPOLL_CTL_MOD, socket_, &event);
  }

  bool receive() {
    const ssize_t count = ::recv(socket_, received_.data() + filled_, received_.size() - filled_, MSG_DONTWAIT);
    if (count < 0 && errno == EAGAIN) return true;
    if (count <= 0) fail("connection lost while waiting for " + node_);
    filled_ += static_cast<std::size_t>(count);
    if (!body_left_ && !parse_head()) return true;
    if (filled_ > *body_left_) fail("more bytes than announced from " + node_);
    if (compares_ && std::memcmp(received_.data(), request_->bytes.last(*body_left_).data(), filled_) != 0) {
      fail("wrong bytes: " + std::to_string(request_->number) + " from " + node_);
    }
    *body_left_ -= filled_;
    filled_ = 0;
    return *body_left_ > 0 || finish();
  }

  /// False while the head of the answer is not whole. Leaves the first bytes of the body at the start of the buffer.
  bool parse_head() {
    const std::string_view text(reinterpret_cast<const char*>(received_.data()), filled_);
    const std::size_t end = text.find("\r\n\r\n");
    if (end == std::string_view::npos) return false;
    status_ = std::atoi(text.substr(9, 3).data());
    constexpr std::string_view kLength = "\r\nContent-Length: ";
    std::uint64_t length = 0;
    if (const std::size_t at = text.substr(0, end).find(kLength); at != std::string_view::npos) {
      std::from_chars(text.data() + at + kLength.size(), text.data() + end, length);
    }
    const bool is_object = status_ == 200 && !request_->is_put;
    if (is_object && length != request_->bytes.size()) {
      fail("wrong length: " + std::to_string(request_->number) + " from " + node_);
    }
    compares_ = is_object && workload_.compares();
    body_left_ = length;
    filled_ -= end + 4;
    std::memmove(received_.data(), received_.data() + end + 4, filled_);
    return true;
  }

  bool finish() {
    if (status_ == 503) {
      workload_.refused();
      ask();
      return true;
    }
    if (status_ != 200 && status_ != 201) {
      fail(std::string(request_->is_put ? "PUT" : "GET") + " of " + std::to_string(request_->number) + " at " + node_ +
           ": " + std::to_string(status_));
    }
    workload_.answered(*request_, seconds_between(began_, Clock::now()));
    return begin();
  }

  Workload& workload_;
  const Options& options_;
  const std::string& node_;
  int epoll_, socket_ = -1, status_ = 0;
  std::uint32_t waits_for_ = EPOLLIN;
  std::optional<Workload::Request> request_;
  Clock::time_point began_;
  std::string head_;
  std::span<const std::byte> body_;
  std::size_t sent_ = 0;
  std::vector<std::byte> received_;
  std::size_t filled_ = 0;
  std::optional<std::uint64_t> body_left_;  // nothing until the head is there
  bool compares_ = false;
};

void run(const Options& options) {
  Workload workload(options);
  const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
  std::vector<std::unique_ptr<Connection>> connections;
  std::size_t busy = 0;
  for (std::uint64_t i = 0; i < options.connections; ++i) {
    connections.push_back(
        std::make_unique<Connection>(workload, options, options.nodes[i % options.nodes.size()], epoll));
  }
  for (const auto& connection : connections) busy += connection->begin() ? 1 : 0;
  epoll_event events[64];
  while (busy > 0) {
    const int count = ::epoll_wait(epoll, events, 64, 60'000);
    if (count == 0) fail("no answer for a minute");
    for (int i = 0; i < count; ++i) {
      if (!static_cast<Connection*>(events[i].data.ptr)->on_event(events[i].events)) --busy;
    }
  }
  workload.print();
}

}  // namespace
}  // namespace brigade::bench

int main(int argc, char** argv) {
  brigade::bench::Options options;
  CLI::App app("GETs and PUTs over keep-alive connections; prints JSON");
  app.add_option("--node", options.nodes, "HOST:PORT; several take the connections in turn")->required();
  app.add_option("--connections", options.connections);
  app.add_option("--objects", options.objects, "how many are there");
  app.add_option("--first-new", options.first_new, "number of the first new object");
  app.add_option("--put-share", options.put_share, "of the requests; 0.05: one of twenty stores a new object");
  app.add_option("--seconds", options.seconds);
  app.add_option("--requests", options.requests);
  app.add_option("--size", options.size, "of every object; otherwise log-normal");
  app.add_option("--prefix", options.prefix, "of the keys");
  app.add_option("--seed", options.seed);
  CLI11_PARSE(app, argc, argv);
  brigade::bench::run(options);
}
