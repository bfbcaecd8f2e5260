#include "media_type.h"

#include <algorithm>
#include <array>

namespace brigade::cli {
namespace {

struct Known {
  std::string_view extension;
  std::string_view type;
};

/// Rising by extension.
constexpr auto kKnown = std::to_array<Known>({
    {"aac", "audio/aac"},         {"aif", "audio/aiff"},        {"aiff", "audio/aiff"},
    {"apng", "image/apng"},       {"avi", "video/x-msvideo"},   {"avif", "image/avif"},
    {"bmp", "image/bmp"},         {"css", "text/css"},          {"csv", "text/csv"},
    {"flac", "audio/flac"},       {"gif", "image/gif"},         {"heic", "image/heic"},
    {"htm", "text/html"},         {"html", "text/html"},        {"ico", "image/vnd.microsoft.icon"},
    {"jpeg", "image/jpeg"},       {"jpg", "image/jpeg"},        {"js", "text/javascript"},
    {"json", "application/json"}, {"jxl", "image/jxl"},         {"m3u8", "application/vnd.apple.mpegurl"},
    {"m4a", "audio/mp4"},         {"m4s", "video/iso.segment"}, {"m4v", "video/mp4"},
    {"mid", "audio/midi"},        {"mkv", "video/matroska"},    {"mov", "video/quicktime"},
    {"mp3", "audio/mpeg"},        {"mp4", "video/mp4"},         {"mpd", "application/dash+xml"},
    {"mpeg", "video/mpeg"},       {"mpg", "video/mpeg"},        {"oga", "audio/ogg"},
    {"ogg", "audio/ogg"},         {"ogv", "video/ogg"},         {"opus", "audio/ogg"},
    {"pdf", "application/pdf"},   {"png", "image/png"},         {"svg", "image/svg+xml"},
    {"svgz", "image/svg+xml"},    {"tif", "image/tiff"},        {"tiff", "image/tiff"},
    {"ts", "video/mp2t"},         {"txt", "text/plain"},        {"vtt", "text/vtt"},
    {"wav", "audio/wav"},         {"weba", "audio/webm"},       {"webm", "video/webm"},
    {"webp", "image/webp"},       {"xml", "application/xml"},   {"zip", "application/zip"},
});
static_assert(std::ranges::is_sorted(kKnown, {}, &Known::extension));

constexpr std::string_view kUnknown = "application/octet-stream";

}  // namespace

std::string media_type_of(std::string_view path) {
  const auto name = path.substr(path.rfind('/') + 1);  // npos + 1 is 0
  const auto dot = name.rfind('.');
  if (dot == std::string_view::npos || dot == 0) return std::string(kUnknown);
  std::string extension(name.substr(dot + 1));
  for (char& c : extension)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  const auto found = std::ranges::lower_bound(kKnown, std::string_view(extension), {}, &Known::extension);
  return std::string(found != kKnown.end() && found->extension == extension ? found->type : kUnknown);
}

}  // namespace brigade::cli
