// What a file's name says of its content.  Source: IANA media types; RFC 9512, RFC 9639 and others.
#pragma once

#include <string>
#include <string_view>

namespace brigade::cli {

/// The media type for the extension of `path`, "application/octet-stream" if it is not known.
std::string media_type_of(std::string_view path);

}  // namespace brigade::cli
