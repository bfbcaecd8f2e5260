// Pairs on two nodes and in two zones, wherever the numbers allow.
//
// A pair that lies in zone z as a whole is mended by a swap with a bucket of a pair that has no part in z: afterwards
// each of the two has one bucket in z. As long as z owns at most half of all buckets, such a partner exists for each
// faulty pair, so that none is left; if z owns more, only its excess is. The same holds for nodes. A swap that mends a
// node never adds a fault of zones: of (n,n) and (v,w) it makes (v,n) and (n,w), and if v and w are in different zones
// at most one of them is in n's.
#include "layout.h"

#include <algorithm>
#include <array>
#include <map>

namespace brigade::placement {
namespace {

constexpr std::uint32_t partner(std::uint32_t bucket) {
  return bucket ^ 1U;
}

/// How many faulty pairs are tried with one bucket, in search of a swap that moves little.
constexpr std::size_t kTriesPerBucket = 8;

using Part = std::uint16_t (Layout::*)(std::uint32_t) const;

/// Mends the pairs whose buckets are both in `which` of a kind of part (node or zone). `faulty`: one bucket of each.
void mend(Layout& layout, Part part, std::uint16_t which, std::vector<std::uint32_t> faulty) {
  // The bucket of the pair that moves anyway is the one to swap, and such pairs come first.
  for (std::uint32_t& b : faulty)
    if (!layout.is_moved(b) && layout.is_moved(partner(b))) b = partner(b);
  std::stable_sort(faulty.begin(), faulty.end(),
                   [&](std::uint32_t a, std::uint32_t b) { return layout.is_moved(a) < layout.is_moved(b); });
  for (int moves_max = 0; moves_max <= 2; ++moves_max) {
    for (std::uint32_t i = 0; i < kBucketCount && !faulty.empty(); ++i) {
      const std::uint32_t other = (i * 40503U + 54321U) % kBucketCount;
      if ((layout.*part)(other) == which || (layout.*part)(partner(other)) == which) continue;
      const std::size_t tries = std::min(kTriesPerBucket, faulty.size());
      for (std::size_t back = 1; back <= tries; ++back) {
        const auto at = faulty.end() - static_cast<std::ptrdiff_t>(back);
        if (layout.swap_moves(*at, other) > moves_max) continue;
        layout.swap(*at, other);
        faulty.erase(at);
        break;
      }
    }
  }
}

void mend_all(Layout& layout, Part part) {
  std::map<std::uint16_t, std::vector<std::uint32_t>> faulty;
  for (std::uint32_t b = 0; b < kBucketCount; b += 2)
    if ((layout.*part)(b) == (layout.*part)(partner(b))) faulty[(layout.*part)(b)].push_back(b);
  for (auto& [which, buckets] : faulty) {
    // A swap for another one may have mended some of these on its way.
    std::erase_if(buckets,
                  [&](std::uint32_t b) { return (layout.*part)(b) != which || (layout.*part)(partner(b)) != which; });
    mend(layout, part, which, std::move(buckets));
  }
}

}  // namespace

void repair_pairs(Layout& layout) {
  mend_all(layout, &Layout::zone);
  mend_all(layout, &Layout::owner);
}

}  // namespace brigade::placement
