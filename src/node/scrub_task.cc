#include "scrub_task.h"

#include "operator_json.h"

#include <algorithm>
#include <utility>

#include <spdlog/spdlog.h>

#include "brigade/base/settings.h"

namespace brigade::node {

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::uint64_t kPieceBytes = std::uint64_t{1} << 20;
constexpr std::chrono::milliseconds kTurn{100};
constexpr std::uint64_t kRecordBytes = 320;  ///< about what a record takes beside its body

/// As the pass has counted it, or about, before there is one.
std::uint64_t bytes_to_read(const NodeContext& context) {
  const store::ScrubProgress progress = context.store.scrub_progress();
  const store::StoreStats stats = context.store.stats();
  return std::max(progress.bytes_total, stats.bytes + (stats.objects + stats.tombstones) * kRecordBytes);
}

}  // namespace

std::uint64_t scrub_rate(std::uint64_t bytes_total, Duration period) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(period).count();
  if (bytes_total == 0 || period == Duration::zero()) return 0;
  return std::max<std::uint64_t>(bytes_total / static_cast<std::uint64_t>(std::max<std::int64_t>(seconds, 1)), 1);
}

std::uint64_t begin_scrub(NodeContext& context) {
  if (!context.scrub.fast) {
    context.store.restart_scrub();
    context.scrub.fast = true;
    context.scrub.goal = context.store.scrub_progress().passes + 1;
    spdlog::info("scrub begins, as an operator asked");
  }
  return context.scrub.goal;
}

asio::awaitable<void> ScrubTask::run() {
  double credit = 0;  // bytes that may be read by now
  auto last = Clock::now();
  while (!stopped_) {
    const std::uint64_t total = bytes_to_read(context_);
    const bool fast = context_.scrub.fast;
    const std::uint64_t rate =
        fast ? kScrubFastBytesPerSecond : scrub_rate(total, context_.view()->map.settings().scrub_period);
    context_.scrub.bytes_per_second = rate;
    const auto now = Clock::now();
    credit += static_cast<double>(rate) * std::chrono::duration<double>(now - last).count();
    last = now;
    // A piece at a time; what was not used while there was nothing to do is not made up for.
    const double piece = static_cast<double>(std::min(kPieceBytes, std::max<std::uint64_t>(total, 1)));
    credit = std::min(credit, fast ? 8 * piece : piece);
    if (!fast && (rate == 0 || credit < piece)) {
      co_await pause_for(kTurn);
      continue;
    }
    if (fast && credit < 0) {
      co_await pause_for(std::chrono::milliseconds{5});
      continue;
    }
    auto step = [this] { return context_.store.scrub(kPieceBytes, wall_now()); };
    const std::uint64_t read = co_await context_.disk.run_behind(std::move(step));
    credit -= static_cast<double>(read);
    const store::ScrubProgress progress = context_.store.scrub_progress();
    if (progress.passes > context_.scrub.passes) {
      context_.scrub.passes = progress.passes;
      context_.scrub.last_pass_bytes = progress.bytes_total;
    }
    if (fast && progress.passes >= context_.scrub.goal) {
      context_.scrub.fast = false;
      const store::StoreStats stats = context_.store.stats();
      spdlog::info("scrub ended bytes={} corrupt_found={} repaired={} corrupt_now={}", progress.bytes_total,
                   stats.corrupt, stats.repaired, stats.damaged);
    } else if (read == 0) {
      co_await pause_for(kTurn);
    }
  }
}

boost::json::object scrub_json(const NodeContext& context) {
  namespace json = boost::json;
  const store::ScrubProgress progress = context.store.scrub_progress();
  const store::StoreStats stats = context.store.stats();
  json::object out;
  out["pass_started"] = progress.started.unix_ms == 0 ? json::value(nullptr) : json::value(iso_time(progress.started));
  out["passes"] = progress.passes;
  out["fast"] = context.scrub.fast;
  out["bytes_done"] = progress.bytes_done;
  out["bytes_total"] = progress.bytes_total;
  out["bytes_per_second"] = context.scrub.bytes_per_second;
  out["last_pass_bytes"] =
      context.scrub.passes == 0 ? json::value(nullptr) : json::value(context.scrub.last_pass_bytes);
  out["corrupt_found"] = stats.corrupt;
  out["repaired"] = stats.repaired;
  out["corrupt_now"] = stats.damaged;
  out["segments_set_aside"] = progress.set_aside;
  return out;
}

}  // namespace brigade::node
