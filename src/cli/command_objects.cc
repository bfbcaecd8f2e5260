// put, get, stat, restore, ls: people's way to objects.
#include "api_client.h"
#include "commands.h"
#include "download.h"
#include "file_set.h"
#include "json_view.h"
#include "listing.h"
#include "open_file.h"
#include "progress.h"
#include "render.h"
#include "text.h"
#include "upload.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <sys/stat.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value_from.hpp>

#include "brigade/base/settings.h"
#include "brigade/net/http_semantics.h"

namespace brigade::cli {
namespace {

namespace json = boost::json;

bool starts_without_case(std::string_view text, std::string_view start) {
  if (text.size() < start.size()) return false;
  for (std::size_t i = 0; i < start.size(); ++i)
    if (std::tolower(static_cast<unsigned char>(text[i])) != start[i]) return false;
  return true;
}

/// The fields that tell of an object: Brigade-*, and what HTTP has for it.
json::object object_fields(const net::Fields& fields) {
  json::object out;
  for (const auto& [name, value] : fields.items()) {
    if (starts_without_case(name, "brigade-") || starts_without_case(name, "etag") ||
        starts_without_case(name, "content-") || starts_without_case(name, "last-modified") ||
        starts_without_case(name, "cache-control") || starts_without_case(name, "expires")) {
      std::string lower;
      for (const char c : name) lower += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      out[lower] = value;
    }
  }
  return out;
}

std::string lines_of(const json::object& fields) {
  std::string out;
  for (const auto& [name, value] : fields) {
    std::string line(name);
    line.resize(std::max<std::size_t>(line.size() + 2, 22), ' ');
    out += line + std::string(value.as_string()) + "\n";
  }
  return out;
}

void print_upload_report(const std::vector<Upload>& uploads, const std::vector<UnusableFile>& unusable) {
  json::array stored;
  json::array failed;
  for (const auto& file : unusable) failed.push_back(json::object{{"file", file.path}, {"error", file.reason}});
  for (const auto& upload : uploads) {
    json::object entry{
        {"file", upload.path}, {"key", upload.key}, {"size", upload.size}, {"attempts", upload.attempts}};
    if (upload.error) {
      entry["error"] = upload.error->detail();
      failed.push_back(std::move(entry));
    } else {
      for (const auto& [name, value] : object_fields(upload.receipt))
        if (!starts_without_case({name.data(), name.size()}, "content-")) entry[name] = value;
      stored.push_back(std::move(entry));
    }
  }
  std::cout << pretty(json::object{{"stored", std::move(stored)}, {"failed", std::move(failed)}});
}

}  // namespace

int run_put(const NodeOptions& node, const PutCommand& command) {
  const auto address = node_address(node.url);
  if (!address) return fail(address.error());
  const auto found = find_files(command.files, command.key, command.prefix);
  if (!found) {
    complain(found.error().detail());
    return kUsage;
  }
  for (const auto& file : found->unusable) complain(file.path + " " + file.reason);

  ProgressState state;
  state.files = found->files.size();
  for (const auto& file : found->files) state.bytes += file.size;
  Progress progress(stderr);
  std::int64_t bytes_sent = 0;
  const UploadProgress report = [&](std::int64_t bytes, const Upload* done) {
    bytes_sent += bytes;
    state.bytes_done = static_cast<std::uint64_t>(bytes_sent);
    if (done != nullptr) {
      ++state.files_done;
      if (done->error) {
        ++state.failed;
        progress.clear();
        complain(done->path + " is not stored: " + done->error->detail());
      }
    }
    progress.update(state);
  };
  UploadOptions options;
  options.address = *address;
  options.parallel = command.parallel;
  options.redundancy = command.redundancy;
  options.content_type = command.type;
  if (!command.expires_in.empty()) {
    const auto time = parse_duration(command.expires_in);
    if (!time || *time < std::chrono::seconds{1}) {
      complain("--expires-in takes a time such as 90s, 12h or 7d" +
               (time ? std::string() : ": " + time.error().detail()));
      return kUsage;
    }
    options.expires_in_seconds =
        static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(*time).count());
  }
  const auto uploads = upload_all(options, found->files, report);
  progress.clear();

  if (node.json) print_upload_report(uploads, found->unusable);
  const auto failed = state.failed + found->unusable.size();
  const double seconds = progress.elapsed().count();
  char rate[64];
  std::snprintf(rate, sizeof rate, "%.1f s", seconds);
  std::cerr << counted(state.files - state.failed, "file") << " stored, " << human_bytes(state.bytes_done) << ", in "
            << rate;
  if (failed > 0) std::cerr << "; " << failed << " failed";
  std::cerr << "\n";
  if (!node.json && uploads.size() == 1 && !uploads.front().error)
    std::cout << "key                   " << uploads.front().key << "\n"
              << lines_of(object_fields(uploads.front().receipt));
  return failed == 0 ? kDone : kFailed;
}

int run_get(const NodeOptions& node, const std::string& key, const std::string& output) {
  const auto address = node_address(node.url);
  if (!address) return fail(address.error());
  if (output.empty() || output == "-") {
    if (node.json)
      return fail(
          {Errc::kInvalid, "the object's bytes go to stdout: name a file with -o, or use `brigade stat --json`"});
    const auto done = download(*address, key, STDOUT_FILENO);
    return done ? kDone : fail(done.error());
  }
  // Under another name until it is whole, so that a file with the right name has the right bytes.
  const auto draft = output + ".part";
  OpenFile file(draft, O_WRONLY | O_CREAT | O_TRUNC);
  if (!file.is_open()) return fail({Errc::kIo, draft + " can't be made: " + std::strerror(errno)});
  const auto done = download(*address, key, file.fd());
  if (!done) {
    ::unlink(draft.c_str());
    return fail(done.error());
  }
  if (!file.close() || std::rename(draft.c_str(), output.c_str()) != 0)
    return fail({Errc::kIo, output + " can't be written: " + std::strerror(errno)});
  if (node.json) {
    json::object fields{{"key", key}, {"file", output}};
    for (const auto& [name, value] : object_fields(done->fields)) fields[name] = value;
    std::cout << pretty(fields);
  }
  return kDone;
}

int run_stat(const NodeOptions& node, const std::string& key) {
  const auto address = node_address(node.url);
  if (!address) return fail(address.error());
  net::RequestHead request;
  request.method = "HEAD";
  request.target = "/o/" + net::encode_key(key);
  request.fields.add("Want-Repr-Digest", "sha-256=1");
  request.fields.add("Brigade-Redirect", "no");
  const auto answer = ApiClient(*address).call(request);
  if (!answer) return fail(answer.error());
  if (answer->status == 404) return fail({Errc::kNotFound, "there is no object " + key});
  if (answer->status != 200) {  // the reason is in the body, which a HEAD has not
    request.method = "GET";
    request.fields.add("Range", "bytes=0-0");
    const auto told = ApiClient(*address).call(request);
    return fail(!told ? told.error() : problem_of(told->status >= 400 ? *told : *answer));
  }
  json::object fields{{"key", key}};
  for (const auto& [name, value] : object_fields(answer->fields)) fields[name] = value;
  if (const auto digest = answer->fields.find("Repr-Digest")) fields["repr-digest"] = *digest;
  std::cout << (node.json ? pretty(fields) : lines_of(fields));
  return kDone;
}

int run_restore(const NodeOptions& node, const RestoreCommand& command) {
  const auto address = node_address(node.url);
  if (!address) return fail(address.error());
  const ApiClient client(*address);
  if (command.list) {
    const auto found = client.get_json("/cluster/revisions/" + net::encode_key(command.key));
    if (!found) return fail(found.error());
    std::cout << (node.json ? pretty(*found) : render_revisions(*found));
    return kDone;
  }
  net::RequestHead request;
  request.method = "POST";
  request.target = "/cluster/restore/" + net::encode_key(command.key);
  if (!command.revision.empty()) request.target += "?revision=" + net::encode_key(command.revision);
  const auto answer = client.call(request);
  if (!answer) return fail(answer.error());
  if (answer->status >= 300) return fail(problem_of(*answer));
  json::object fields{{"key", command.key}};
  for (const auto& [name, value] : object_fields(answer->fields))
    if (!starts_without_case({name.data(), name.size()}, "content-")) fields[name] = value;
  std::cout << (node.json ? pretty(fields) : lines_of(fields));
  return kDone;
}

int run_ls(const NodeOptions& node, const std::string& prefix) {
  const auto address = node_address(node.url);
  if (!address) return fail(address.error());
  const ApiClient client(*address);
  auto listing = list_objects(client, prefix);
  if (!listing) return fail(listing.error());
  const bool is_whole = listing->is_whole();
  std::cout << (node.json ? pretty(json::object{{"objects", listing->objects},
                                                {"unreachable", json::value_from(listing->unreachable)},
                                                {"unknown_buckets", listing->unknown_buckets}})
                          : render_objects(listing->objects));
  complain_of_gaps(*listing);
  return is_whole ? kDone : kFailed;
}

}  // namespace brigade::cli
