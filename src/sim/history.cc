#include "history.h"

#include <array>
#include <cstdio>

namespace brigade::sim {

namespace {

std::uint64_t folded(std::uint64_t h, std::uint64_t v) {
  h = (h ^ v) * 0x9e3779b97f4a7c15ULL;
  return h ^ (h >> 29);
}

std::string text(const Happening& h) {
  std::array<char, 64> head{};
  const auto us = std::chrono::duration_cast<std::chrono::microseconds>(h.at).count();
  std::snprintf(head.data(), head.size(), "%4lld.%06lld ", static_cast<long long>(us / 1'000'000),
                static_cast<long long>(us % 1'000'000));
  std::string line = head.data();
  line += h.node == kWorld ? std::string("--") : "n" + std::to_string(h.node);
  line += ' ';
  line += h.what;
  if (!h.detail.empty()) line.append(" ").append(h.detail);
  if (h.other != kWorld) line += " n" + std::to_string(h.other);
  if (h.epoch) line += " epoch " + to_string(h.epoch);
  if (h.number != 0) line += " #" + std::to_string(h.number);
  return line;
}

}  // namespace

void History::add(const Happening& h) {
  hash_ = folded(hash_, static_cast<std::uint64_t>(h.at.count()));
  hash_ = folded(hash_, h.node);
  for (char c : h.what) hash_ = folded(hash_, static_cast<unsigned char>(c));
  for (char c : h.detail) hash_ = folded(hash_, static_cast<unsigned char>(c));
  hash_ = folded(hash_, h.other);
  hash_ = folded(hash_, h.epoch.counter);
  hash_ = folded(hash_, h.number);
  if (trace_) trace_(text(h));
  if (ring_.size() < kKept) {
    ring_.push_back(h);
  } else {
    ring_[next_] = h;
    next_ = (next_ + 1) % kKept;
  }
}

std::string History::recent() const {
  std::string out;
  for (std::size_t i = 0; i < ring_.size(); ++i) out += text(ring_[(next_ + i) % ring_.size()]) + "\n";
  return out;
}

}  // namespace brigade::sim
