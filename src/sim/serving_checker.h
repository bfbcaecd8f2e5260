// Who serves which bucket.  Source: design §4 Leases, §5 "Moving a bucket"; testing "old owner serves after a move".
// Concept: a node with a lease serves only what the log, as far as anybody has committed it, still gives it: a node may
//          learn late what it has gained, but never what it has lost. So no bucket is ever served by two.
//          Sets of buckets are bit maps; they follow the changes that entries make.
// Thread:  one owner.
#pragma once

#include "verdict.h"

#include <array>
#include <cstdint>
#include <vector>

namespace brigade::sim {

class ServingChecker {
 public:
  ServingChecker(const cluster::ClusterMap& reference, const Hosts& hosts);

  /// These were committed by somebody for the first time; `reference` holds them.
  void on_reference(const cluster::ClusterMap& reference, const Hosts& hosts,
                    const std::vector<wire::LogEntry>& entries, std::size_t fresh);
  /// `node` has applied `entries`.
  void on_committed(std::size_t node, const Host& host, const std::vector<wire::LogEntry>& entries);
  void on_buckets(std::size_t node, const Host& host, const BucketSet& buckets);
  /// `node` has started, or taken an index.
  void on_whole_map(std::size_t node, const Host& host);
  void check(Moment now, const cluster::ClusterMap& reference, const Hosts& hosts, Verdict& verdict);

 private:
  struct Bits {
    std::array<std::uint64_t, kBucketCount / 64> words{};
    void set(BucketId bucket, bool value) {
      const std::uint64_t mask = std::uint64_t{1} << (bucket.value & 63);
      auto& word = words[bucket.value >> 6];
      word = value ? word | mask : word & ~mask;
    }
  };
  struct PerNode {
    Bits claimed;  ///< by its own map and word
    Bits given;    ///< by all that is committed
    bool changed = true;
    bool beyond = false;  ///< claims something that it was not given
    BucketId example;
  };
  template <class F>
  static void for_touched(const wire::LogEntry& entry, F&& f);

  std::vector<PerNode> nodes_;
};

}  // namespace brigade::sim
