#include "toml_file.h"

#include "drawn_id.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <utility>

namespace brigade::node {

Result<toml::table> read_toml(const std::string& file) {
  std::ifstream in(file);
  if (!in)
    return Error(errno == ENOENT || errno == ENOTDIR ? Errc::kNotFound : Errc::kIo,
                 file + " can't be read: " + std::strerror(errno));
  const std::string text(std::istreambuf_iterator<char>(in), {});
  auto parsed = toml::parse(text);
  if (!parsed)
    return Error(Errc::kInvalid, file + " line " + std::to_string(parsed.error().source().begin.line) + ": " +
                                     std::string(parsed.error().description()));
  if (Status ok = check_file_version(parsed.table(), file); !ok) return ok.error();
  return std::move(parsed).table();
}

std::optional<std::uint64_t> id_in(const toml::table& table, std::string_view name) {
  const auto text = table[name].value_exact<std::string>();
  if (!text) return std::nullopt;
  return parse_hex64(*text);
}

}  // namespace brigade::node
