// Datagrams between nodes: late, lost, doubled, out of order, or cut off.  Source: testing "Network".
// Thread: one owner.
#pragma once

#include "event_queue.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "brigade/base/prng.h"
#include "brigade/sim/options.h"
#include "brigade/wire/message.h"

namespace brigade::sim {

class Network {
 public:
  using Deliver = std::function<void(std::size_t to, std::shared_ptr<const wire::Envelope>)>;

  Network(EventQueue& events, const Options& options, Prng prng, Deliver deliver);

  void send(std::size_t from, std::size_t to, std::shared_ptr<const wire::Envelope> envelope);

  /// Datagrams from `from` to `to` vanish until heal().
  void cut(std::size_t from, std::size_t to) { cut_[from * nodes_ + to] = true; }
  [[nodiscard]] bool is_cut(std::size_t from, std::size_t to) const { return cut_[from * nodes_ + to]; }
  /// Takes back all cuts.
  void heal() { cut_.assign(cut_.size(), false); }
  void set_loss_permille(std::uint32_t loss) { loss_permille_ = loss; }
  void set_delay_max(Duration delay) { delay_max_ = delay; }
  void set_duplicate_permille(std::uint32_t duplicate) { duplicate_permille_ = duplicate; }

  [[nodiscard]] std::uint64_t sent() const { return sent_; }

 private:
  Duration delay();

  EventQueue& events_;
  Prng prng_;
  Deliver deliver_;
  const std::size_t nodes_;
  std::vector<bool> cut_;
  const Duration delay_min_;
  Duration delay_max_;
  std::uint32_t loss_permille_;
  std::uint32_t duplicate_permille_;
  std::uint64_t sent_ = 0;
};

}  // namespace brigade::sim
