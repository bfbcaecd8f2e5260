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

void Network::send(std::size_t from, std::size_t to, std::shared_ptr<const wire::Envelope> envelope) {
  ++sent_;
  if (is_cut(from, to) || prng_.chance(loss_permille_, 1000)) return;
  const int copies = prng_.chance(duplicate_permille_, 1000) ? 2 : 1;
  for (int i = 0; i < copies; ++i) events_.after(delay(), [this, to, envelope] { deliver_(to, envelope); });
}

Duration Network::delay() {
  const auto span = static_cast<std::uint64_t>(std::max(delay_max_ - delay_min_, Duration{1}).count());
  // Most take a fraction of the span, so that a few are overtaken by many.
  const std::uint64_t random = prng_.below(span) / (1 + prng_.below(8));
  return delay_min_ + Duration{static_cast<std::int64_t>(random)};
}

}  // namespace brigade::sim
