// What checkers look at, and where they say that a rule was broken.  Thread: one owner.
#pragma once

#include "host.h"

#include <string>
#include <vector>

namespace brigade::sim {

/// Keeps the first violation.
class Verdict {
 public:
  void fail(std::string what) {
    if (violation_.empty()) violation_ = std::move(what);
  }
  [[nodiscard]] bool failed() const { return !violation_.empty(); }
  [[nodiscard]] const std::string& violation() const { return violation_; }

 private:
  std::string violation_;
};

using Hosts = std::vector<std::unique_ptr<Host>>;

inline std::string name_of(std::size_t node) {
  return "n" + std::to_string(node);
}

}  // namespace brigade::sim
