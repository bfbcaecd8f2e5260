#include "json_view.h"

#include <boost/json/serialize.hpp>
#include <boost/nowide/utf/convert.hpp>

namespace brigade::cli {
namespace {

namespace json = boost::json;

void print(std::string& out, const json::value& value, std::size_t depth) {
  const std::string indent(2 * (depth + 1), ' ');
  const std::string outdent(2 * depth, ' ');
  if (const auto* const object = value.if_object(); object != nullptr && !object->empty()) {
    out += "{\n";
    bool first = true;
    for (const auto& [key, item] : *object) {
      out += (first ? "" : ",\n") + indent + json::serialize(key) + ": ";
      print(out, item, depth + 1);
      first = false;
    }
    out += "\n" + outdent + "}";
  } else if (const auto* const array = value.if_array(); array != nullptr && !array->empty()) {
    out += "[\n";
    bool first = true;
    for (const auto& item : *array) {
      out += (first ? "" : ",\n") + indent;
      print(out, item, depth + 1);
      first = false;
    }
    out += "\n" + outdent + "]";
  } else {
    out += json::serialize(value);
  }
}

}  // namespace

const json::value* find_at(const json::value& value, std::string_view path) {
  const json::value* found = &value;
  while (found != nullptr && !path.empty()) {
    const auto dot = path.find('.');
    const auto* const object = found->if_object();
    found = object == nullptr ? nullptr : object->if_contains({path.data(), std::min(dot, path.size())});
    path.remove_prefix(dot == std::string_view::npos ? path.size() : dot + 1);
  }
  return found;
}

std::string text_at(const json::value& value, std::string_view path) {
  const auto* const found = find_at(value, path);
  if (found == nullptr || found->is_null()) return "-";
  if (const auto* const text = found->if_string()) return text->empty() ? "-" : std::string(*text);
  if (const auto* const truth = found->if_bool()) return *truth ? "yes" : "no";
  return json::serialize(*found);
}

std::uint64_t number_at(const json::value& value, std::string_view path) {
  const auto* const found = find_at(value, path);
  if (found == nullptr) return 0;
  if (const auto* const number = found->if_uint64()) return *number;
  const auto* const number = found->if_int64();
  return number != nullptr && *number > 0 ? static_cast<std::uint64_t>(*number) : 0;
}

bool is_true_at(const json::value& value, std::string_view path) {
  const auto* const found = find_at(value, path);
  const auto* const truth = found == nullptr ? nullptr : found->if_bool();
  return truth != nullptr && *truth;
}

const json::array& array_at(const json::value& value, std::string_view path) {
  static const json::array empty;
  const auto* const found = find_at(value, path);
  const auto* const array = found == nullptr ? nullptr : found->if_array();
  return array == nullptr ? empty : *array;
}

std::string pretty(const json::value& value) {
  std::string out;
  print(out, value, 0);
  out += '\n';
  // Names of files are any bytes, JSON is UTF-8: what is none becomes U+FFFD.
  return boost::nowide::utf::convert_string<char>(out.data(), out.data() + out.size());
}

}  // namespace brigade::cli
