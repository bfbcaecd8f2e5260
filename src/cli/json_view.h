// Reading a node's JSON for people.
// Concept: a field that is missing or null reads as "-", so that output of an older or newer node can still be shown.
//          Paths are dotted, such as "epoch.counter".
// Thread:  pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

namespace brigade::cli {

/// Nothing there: nullptr.
const boost::json::value* find_at(const boost::json::value& value, std::string_view path);
/// Texts and numbers as they are, booleans as yes or no.
std::string text_at(const boost::json::value& value, std::string_view path);
/// 0 unless it is a whole number from 0.
std::uint64_t number_at(const boost::json::value& value, std::string_view path);
bool is_true_at(const boost::json::value& value, std::string_view path);
/// Empty unless it is an array. Valid as long as `value`.
const boost::json::array& array_at(const boost::json::value& value, std::string_view path);
/// Indented by two, keys in their order, with a newline at the end.
std::string pretty(const boost::json::value& value);

}  // namespace brigade::cli
