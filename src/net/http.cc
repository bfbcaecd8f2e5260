#include "brigade/net/http.h"

#include <algorithm>

namespace brigade::net {
namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

}  // namespace

bool equals_without_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return x == y || lower(x) == lower(y); });
}

void Fields::set(std::string_view name, std::string_view value) {
  // The arguments may point into what is removed here.
  std::pair<std::string, std::string> item(name, value);
  remove(item.first);
  items_.push_back(std::move(item));
}

std::optional<std::string_view> Fields::find(std::string_view name) const {
  for (const auto& [key, value] : items_)
    if (equals_without_case(key, name)) return std::string_view(value);
  return std::nullopt;
}

std::size_t Fields::count(std::string_view name) const {
  return static_cast<std::size_t>(std::count_if(
      items_.begin(), items_.end(), [&](const auto& item) { return equals_without_case(item.first, name); }));
}

void Fields::remove(std::string_view name) {
  std::erase_if(items_, [&](const auto& item) { return equals_without_case(item.first, name); });
}

}  // namespace brigade::net
