#include "network.h"

#include <algorithm>
#include <utility>

namespace brigade::sim {

Network::Network(EventQueue& events, const Options& options, Prng prng, Deliver deliver)
    : events_(events),
      prng_(prng),
      deliver_(std::move(deliver)),
      nodes_(options.nodes),
      cut_(options.nodes * options.nodes, false),
      delay_min_(options.delay_min),
      delay_max_(options.delay_max),
      loss_permille_(options.loss_permille),
      duplicate_permille_(options.duplicate_permille) {}

std::optional<Duration> Network::send(std::size_t from, std::size_t to,
                                      std::shared_ptr<const wire::Envelope> envelope) {
  ++sent_;
  if (is_cut(from, to) || prng_.chance(loss_permille_, 1000)) return std::nullopt;
  const int copies = prng_.chance(duplicate_permille_, 1000) ? 2 : 1;
  Duration first = Duration::max();
  for (int i = 0; i < copies; ++i) {
    Duration takes = delay(from, to);
    if (late_permille_ > 0 && prng_.chance(late_permille_, 1000))
      takes += Duration{static_cast<std::int64_t>(prng_.below(15'000'000'000))};
    if (auto clog = clogged_.find({from, to}); clog != clogged_.end() && clog->second > events_.now())
      takes += clog->second - events_.now();
    first = std::min(first, takes);
    events_.after(takes, [this, to, envelope] { deliver_(to, envelope); });
  }
  return first;
}

Duration Network::delay(std::size_t from, std::size_t to) {
  const auto span = static_cast<std::uint64_t>(std::max(delay_max_ - delay_min_, Duration{1}).count());
  // Most take a fraction of the span, so that a few are overtaken by many.
  const std::uint64_t random = prng_.below(span) / (1 + prng_.below(8));
  const auto detour = detours_.empty() ? detours_.end() : detours_.find({from, to});
  return delay_min_ + Duration{static_cast<std::int64_t>(random)} +
         (detour == detours_.end() ? Duration{} : detour->second);
}

}  // namespace brigade::sim
