#include "fill_progress.h"

namespace brigade::node {

namespace {
constexpr std::chrono::seconds kTold{10};
constexpr double kLongSpell = 2.0;  ///< seconds
}  // namespace

std::optional<std::string> FillProgress::update(TimePoint now, std::size_t left, std::uint64_t filled,
                                                std::uint64_t bytes) {
  if (left_ == 0 && left > 0) {
    began_ = told_ = now;
    filled_before_ = filled;
    bytes_before_ = bytes;
  }
  const bool ends = left_ > 0 && left == 0;
  if (left_ > 0 || left > 0) {
    seen_ = now;
    filled_ = filled - filled_before_;
    bytes_ = bytes - bytes_before_;
  }
  left_ = left;
  if (ends && seconds() >= kLongSpell)
    return "filled buckets=" + std::to_string(filled_) + " bytes=" + std::to_string(bytes_) +
           " seconds=" + std::to_string(static_cast<std::uint64_t>(seconds()));
  if (left == 0 || now - told_ < kTold) return std::nullopt;
  told_ = now;
  const auto about = seconds_left();
  return "filling buckets_left=" + std::to_string(left_) + " bytes_per_second=" + std::to_string(bytes_per_second()) +
         (about ? " seconds_left=" + std::to_string(*about) : "");
}

double FillProgress::share() const {
  return left_ == 0 ? 1 : static_cast<double>(filled_) / static_cast<double>(filled_ + left_);
}

std::uint64_t FillProgress::bytes_per_second() const {
  return seconds() > 0 ? static_cast<std::uint64_t>(static_cast<double>(bytes_) / seconds()) : 0;
}

std::optional<std::uint64_t> FillProgress::seconds_left() const {
  if (left_ == 0) return 0;
  if (filled_ == 0) return std::nullopt;
  return static_cast<std::uint64_t>(seconds() * static_cast<double>(left_) / static_cast<double>(filled_)) + 1;
}

boost::json::object FillProgress::to_json() const {
  const auto about = seconds_left();
  return {{"left", left_},
          {"filled", filled_},
          {"bytes", bytes_},
          {"bytes_per_second", left_ == 0 ? 0 : bytes_per_second()},
          {"seconds_left", about ? boost::json::value(*about) : boost::json::value(nullptr)}};
}

}  // namespace brigade::node
