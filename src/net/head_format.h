// From heads to bytes.  Source: RFC 9112 §3, §4.
// Thread:  pure functions.
#pragma once

#include <string>
#include <string_view>

#include "brigade/net/http.h"

namespace brigade::net {

/// The reason phrase of a status, empty if we have none.
std::string_view reason_phrase(int status);
/// Appends "Name: value CRLF". Control characters become spaces: no stored value can start a field of its own.
void append_field(std::string& out, std::string_view name, std::string_view value);
/// Appends all fields but those that tell the framing (Content-Length, Transfer-Encoding) or the connection
/// (Connection, Keep-Alive): these are the connection's business.
void append_fields(std::string& out, const Fields& fields);
/// Appends Content-Length or Transfer-Encoding; nothing for kNone.
void append_framing(std::string& out, const BodyFraming& framing);

}  // namespace brigade::net
