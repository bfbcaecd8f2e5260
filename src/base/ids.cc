#include "brigade/base/ids.h"

namespace brigade {
namespace {

std::string hex(std::uint64_t value) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text(16, '0');
  for (std::size_t i = 16; i-- > 0; value >>= 4) text[i] = kDigits[value & 15];
  return text;
}

}  // namespace

std::string to_string(NodeId id) {
  return hex(id.value);
}
std::string to_string(ClusterId id) {
  return hex(id.value);
}
std::string to_string(StoreId id) {
  return hex(id.value);
}
std::string to_string(BucketId id) {
  return std::to_string(id.value);
}
std::string to_string(Seq seq) {
  return std::to_string(seq.value);
}
std::string to_string(Incarnation incarnation) {
  return std::to_string(incarnation.value);
}
std::string to_string(const Epoch& epoch) {
  return std::to_string(epoch.counter) + "." + to_string(epoch.coordinator);
}
std::string to_string(const Position& position) {
  return to_string(position.epoch) + "/" + to_string(position.seq);
}
std::string to_string(const ObjectId& id) {
  return hex(id.high) + hex(id.low);
}
std::string to_string(Revision revision) {
  return to_string(revision.view()) + "." + std::to_string(revision.count());
}

}  // namespace brigade
