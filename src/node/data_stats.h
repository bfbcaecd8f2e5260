// Counts for /metrics and /cluster.
// Concept: each event loop counts for itself; whoever shows the counts adds them up.
// Thread:  one writer, any readers.
#pragma once

#include <atomic>
#include <cstdint>

namespace brigade::node {

/// Costs its one writer what a plain number does.
class Count {
 public:
  Count() = default;
  Count(const Count& other) : value_(other) {}
  Count& operator=(const Count& other) { return *this = std::uint64_t{other}; }
  Count& operator=(std::uint64_t value) {
    value_.store(value, std::memory_order_relaxed);
    return *this;
  }
  operator std::uint64_t() const { return value_.load(std::memory_order_relaxed); }  // NOLINT: it is a number
  Count& operator+=(std::uint64_t more) { return *this = *this + more; }
  Count& operator++() { return *this += 1; }

 private:
  std::atomic<std::uint64_t> value_{0};
};

struct DataStats {
  Count gets, heads, puts, deletes;
  Count reads_local, reads_remote, reads_failed_over;
  Count bytes_in, bytes_out;
  Count unavailable, no_quorum;
  Count fetched_objects, fetched_bytes;  ///< by filling and comparing
  Count buckets_filled;
  Count tombstones_collected;
  Count staged_now;

  DataStats& operator+=(const DataStats& other) {
    for (const auto count :
         {&DataStats::gets, &DataStats::heads, &DataStats::puts, &DataStats::deletes, &DataStats::reads_local,
          &DataStats::reads_remote, &DataStats::reads_failed_over, &DataStats::bytes_in, &DataStats::bytes_out,
          &DataStats::unavailable, &DataStats::no_quorum, &DataStats::fetched_objects, &DataStats::fetched_bytes,
          &DataStats::buckets_filled, &DataStats::tombstones_collected, &DataStats::staged_now})
      this->*count += other.*count;
    return *this;
  }
};

}  // namespace brigade::node
