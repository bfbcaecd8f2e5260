// How far this node is with the buckets that it fills: for status, metrics and log.
// Concept: a spell begins when there is something to fetch and ends when nothing is left. Rates are those of the spell.
// Thread:  one owner; a value.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include <boost/json/object.hpp>

namespace brigade::node {

class FillProgress {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  /// `left` buckets are to be compared and fetched; `filled` and `bytes` are what was done since the node started.
  /// Returns what is worth a line in the log, if anything: every ten seconds of a spell, and at the end of a long one.
  std::optional<std::string> update(TimePoint now, std::size_t left, std::uint64_t filled, std::uint64_t bytes);

  [[nodiscard]] std::size_t left() const { return left_; }
  /// Of the present spell: since when, and how much of it is done, 0 to 1.
  [[nodiscard]] TimePoint began() const { return began_; }
  [[nodiscard]] double share() const;
  /// `fill` of GET /cluster: {"left", "filled", "bytes", "bytes_per_second", "seconds_left": about, null if unknown}.
  [[nodiscard]] boost::json::object to_json() const;

 private:
  [[nodiscard]] double seconds() const { return std::chrono::duration<double>(seen_ - began_).count(); }
  [[nodiscard]] std::uint64_t bytes_per_second() const;
  [[nodiscard]] std::optional<std::uint64_t> seconds_left() const;

  std::size_t left_ = 0;
  std::uint64_t filled_ = 0, bytes_ = 0;                ///< of the present spell
  std::uint64_t filled_before_ = 0, bytes_before_ = 0;  ///< it
  TimePoint began_, seen_, told_;
};

}  // namespace brigade::node
