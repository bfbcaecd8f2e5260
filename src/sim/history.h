// What happened, for the trace hash and for people.
// Concept: every event is folded into one hash; the last ones are kept, and turned into text only when somebody asks.
// Thread: one owner.
#pragma once

#include "event_queue.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "brigade/base/ids.h"

namespace brigade::sim {

struct Happening {
  Moment at{};
  std::size_t node = 0;     ///< where; kWorld: everywhere
  std::string_view what;    ///< a literal
  std::string_view detail;  ///< a literal
  std::size_t other = 0;    ///< the other node; kWorld: none
  Epoch epoch;
  std::uint64_t number = 0;  ///< a seq, round or batch
};
inline constexpr std::size_t kWorld = ~std::size_t{0};

class History {
 public:
  explicit History(std::function<void(const std::string&)> trace) : trace_(std::move(trace)) {}
  void add(const Happening& happening);
  [[nodiscard]] std::uint64_t hash() const { return hash_; }
  /// The last happenings, oldest first, one a line.
  [[nodiscard]] std::string recent() const;

 private:
  static constexpr std::size_t kKept = 150;
  std::function<void(const std::string&)> trace_;
  std::vector<Happening> ring_;
  std::size_t next_ = 0;
  std::uint64_t hash_ = 0;
};

}  // namespace brigade::sim
