// The control plane's two threads and the door that the others use.
#include "brigade/node/control.h"

#include "control_loop.h"
#include "control_published.h"
#include "thread_role.h"

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <ctime>
#include <thread>
#include <utility>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include "brigade/base/check.h"

namespace brigade::node {
namespace {

namespace asio = boost::asio;

class ThreadedControl final : public Control {
 public:
  ThreadedControl() : work_(io_.get_executor()) {}
  ~ThreadedControl() override { stop(); }

  Status open(Options options) {
    auto loop = ControlLoop::make(io_, std::move(options), published_);
    if (!loop) return loop.error();
    loop_ = std::move(*loop);
    thread_ = std::thread([this] {
      take_role(ThreadRole::kControl, "control");
      loop_->begin();
      io_.run();
    });
    return {};
  }

  [[nodiscard]] std::shared_ptr<const View> view() const override { return published_.view(); }
  [[nodiscard]] bool may_serve() const override { return published_.may_serve(boot_now()); }

  void report(wire::Report report) override {
    asio::post(io_, [loop = loop_.get(), report = std::move(report)] { loop->report(report); });
  }
  void propose(wire::Change change, std::function<void(Result<Position>)> done) override {
    BRIGADE_CHECK(done != nullptr, "a proposal needs somebody to tell");
    if (stopped_) {
      done(Error{Errc::kUnavailable, "this node stops: ask another"});
      return;
    }
    asio::post(io_, [loop = loop_.get(), change = std::move(change), done = std::move(done)]() mutable {
      loop->propose(change, std::move(done));
    });
  }
  void index_fetched(Result<wire::Snapshot> snapshot) override {
    asio::post(io_, [loop = loop_.get(), snapshot = std::move(snapshot)] { loop->index_fetched(snapshot); });
  }

  [[nodiscard]] std::vector<LogLine> log(Seq after, std::size_t limit) const override {
    return published_.lines(after, limit);
  }
  [[nodiscard]] ControlStats stats() const override {
    return {published_.sent, published_.received, published_.dropped, published_.elections};
  }

  void stop() override {
    if (!thread_.joinable()) return;
    stopped_ = true;
    asio::post(io_, [loop = loop_.get()] { loop->close(); });
    work_.reset();  // run() ends when all that was asked for has been answered
    thread_.join();
    loop_->join_journal();
  }

 private:
  asio::io_context io_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  Published published_;
  std::unique_ptr<ControlLoop> loop_;
  std::atomic<bool> stopped_{false};
  std::thread thread_;
};

}  // namespace

Instant boot_now() {
  timespec now{};
  BRIGADE_CHECK(::clock_gettime(CLOCK_BOOTTIME, &now) == 0, "CLOCK_BOOTTIME: " << std::strerror(errno));
  return Instant(std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec));
}

WallTime wall_now() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return {std::chrono::duration_cast<std::chrono::milliseconds>(now).count()};
}

Result<std::unique_ptr<Control>> Control::start(Options options) {
  BRIGADE_CHECK(options.journal != nullptr, "a control plane needs a journal");
  auto control = std::make_unique<ThreadedControl>();
  if (auto ok = control->open(std::move(options)); !ok) return ok.error();
  return std::unique_ptr<Control>(std::move(control));
}

}  // namespace brigade::node
