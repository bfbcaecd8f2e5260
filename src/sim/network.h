// Datagrams between nodes: late, lost, doubled, out of order, or cut off.  Source: testing "Network".
// Thread: one owner.
#pragma once

#include "event_queue.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "brigade/base/prng.h"
#include "brigade/sim/options.h"
#include "brigade/wire/message.h"

namespace brigade::sim {

class Network {
 public:
  using Deliver = std::function<void(std::size_t to, std::shared_ptr<const wire::Envelope>)>;

  Network(EventQueue& events, const Options& options, Prng prng, Deliver deliver);

  /// Returns how long it will be under way; nothing if it is lost.
  std::optional<Duration> send(std::size_t from, std::size_t to, std::shared_ptr<const wire::Envelope> envelope);

  /// Datagrams from `from` to `to` vanish until heal().
  void cut(std::size_t from, std::size_t to) { cut_[from * nodes_ + to] = true; }
  [[nodiscard]] bool is_cut(std::size_t from, std::size_t to) const { return cut_[from * nodes_ + to]; }
  /// Takes back all cuts.
  void heal() { cut_.assign(cut_.size(), false); }
  void set_loss_permille(std::uint32_t loss) { loss_permille_ = loss; }
  void set_delay_min(Duration delay) { delay_min_ = delay; }
  void set_delay_max(Duration delay) { delay_max_ = delay; }
  /// What goes from `from` to `to` takes so much longer, until it is set anew.
  void set_detour(std::size_t from, std::size_t to, Duration extra) { detours_[{from, to}] = extra; }
  /// So many of a thousand datagrams come only after seconds, when their sender may live another life.
  void set_late_permille(std::uint32_t late) { late_permille_ = late; }
  /// What goes from `from` to `to` waits until `until`, and then comes all at once.
  void clog(std::size_t from, std::size_t to, Moment until) { clogged_[{from, to}] = until; }
  void set_duplicate_permille(std::uint32_t duplicate) { duplicate_permille_ = duplicate; }

  [[nodiscard]] std::uint64_t sent() const { return sent_; }

 private:
  Duration delay(std::size_t from, std::size_t to);

  EventQueue& events_;
  Prng prng_;
  Deliver deliver_;
  const std::size_t nodes_;
  std::vector<bool> cut_;
  std::map<std::pair<std::size_t, std::size_t>, Duration> detours_;
  Duration delay_min_;
  Duration delay_max_;
  std::map<std::pair<std::size_t, std::size_t>, Moment> clogged_;
  std::uint32_t late_permille_ = 0;
  std::uint32_t loss_permille_;
  std::uint32_t duplicate_permille_;
  std::uint64_t sent_ = 0;
};

}  // namespace brigade::sim
