// store check, dump, rebuild-index: the store of a node that is stopped.
#include "commands.h"
#include "json_view.h"
#include "progress.h"
#include "text.h"

#include <cstdio>
#include <iostream>
#include <unistd.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "brigade/base/checksum.h"
#include "brigade/node/config.h"
#include "brigade/node/data_lock.h"
#include "brigade/store/file_system.h"
#include "brigade/store/offline.h"

namespace brigade::cli {
namespace {

namespace json = boost::json;

/// "segments  33 %  1.0 MiB of 3.0 MiB"
std::string reading_text(std::string_view what, std::uint64_t done, std::uint64_t total) {
  const std::uint64_t percent = total == 0 ? 100 : done * 100 / total;
  return std::string(what) + "  " + std::to_string(percent) + " %  " + human_bytes(done) + " of " + human_bytes(total);
}

json::array damage_json(const std::vector<store::Damage>& damage) {
  json::array list;
  for (const store::Damage& d : damage) {
    json::object one{{"file", d.file}, {"offset", d.offset}, {"reason", d.reason}};
    one["key"] = d.key.empty() ? json::value(nullptr) : json::value(d.key);
    list.push_back(std::move(one));
  }
  return list;
}

/// "FILE offset N: REASON (key K)"
void print_damage(const std::vector<store::Damage>& damage) {
  for (const store::Damage& d : damage) {
    std::cout << d.file << " offset " << d.offset << ": " << d.reason;
    if (!d.key.empty()) std::cout << " (key " << d.key << ")";
    std::cout << "\n";
  }
}

}  // namespace

int run_store_check(const StoreCommand& command) {
  const node::DataDir dir{command.data_dir};
  const auto lock = node::DataLock::take(dir, node::Sharing::kWithReaders, "its store is being checked");
  if (!lock) return fail(lock.error());
  store::PosixFileSystem files;
  StatusLine progress(stderr);
  const auto report = store::check_store(files, dir.root, [&](std::string_view what, auto done, auto total) {
    progress.show(reading_text(what, done, total));
  });
  progress.clear();
  if (!report) return fail(report.error());
  if (command.json) {
    std::cout << pretty(json::object{{"clean", report->damage.empty()},
                                     {"damage", damage_json(report->damage)},
                                     {"segments", report->segments},
                                     {"records", report->records},
                                     {"objects", report->objects},
                                     {"tombstones", report->tombstones},
                                     {"large_files", report->large_files},
                                     {"bytes", report->bytes},
                                     {"has_index_snapshot", report->has_snapshot}});
  } else {
    print_damage(report->damage);
    std::cout << (report->damage.empty() ? "clean: " : counted(report->damage.size(), "damaged place") + " in ")
              << counted(report->segments, "segment") << ", " << counted(report->records, "record") << ", "
              << counted(report->large_files, "large file") << ", " << human_bytes(report->bytes) << " read; "
              << counted(report->objects, "object") << ", " << counted(report->tombstones, "tombstone")
              << (report->has_snapshot ? "" : "; no index snapshot yet") << "\n";
  }
  return report->damage.empty() ? kDone : kFailed;
}

int run_store_dump(const StoreCommand& command) {
  const node::DataDir dir{command.data_dir};
  const auto lock = node::DataLock::take(dir, node::Sharing::kWithReaders, "its store is being read");
  if (!lock) return fail(lock.error());
  std::optional<ObjectId> only;
  if (!command.key.empty()) {
    const auto config = node::load_config(dir);
    if (!config) return fail(config.error());
    only = object_id(NamingSecret{config->naming_seed}, command.key);
  }
  store::PosixFileSystem files;
  StatusLine progress(stderr);
  bool has_any = false;
  const auto print = [&](const store::DumpedRecord& record) {
    has_any = true;
    if (command.json) {
      // An object a line: a store has millions of them.
      json::object line{{"key", record.key.empty() ? json::value(nullptr) : json::value(record.key)},
                        {"id", to_string(record.id)},
                        {"revision", to_string(record.revision)},
                        {"level", record.level},
                        {"size", record.size},
                        {"lsn", record.lsn},
                        {"file", record.file},
                        {"offset", record.offset},
                        {"body_file", record.body_file.empty() ? json::value(nullptr) : json::value(record.body_file)},
                        {"state", store::name_of(record.state)}};
      std::cout << json::serialize(line) << "\n";
      return;
    }
    std::cout << store::name_of(record.state) << " " << to_string(record.id) << " revision "
              << to_string(record.revision) << " level " << int{record.level} << " size " << record.size << " lsn "
              << record.lsn << " " << record.file << " offset " << record.offset;
    if (!record.body_file.empty()) std::cout << " body " << record.body_file;
    if (!record.key.empty()) std::cout << " key " << record.key;
    std::cout << "\n";
  };
  const Status done = store::dump_store(
      files, dir.root, only, print,
      [&](std::string_view what, auto so_far, auto total) { progress.show(reading_text(what, so_far, total)); });
  progress.clear();
  if (!done) return fail(done.error());
  if (has_any || !only) return kDone;
  return fail({Errc::kNotFound, "no record of " + command.key + " is in " + dir.root});
}

int run_store_rebuild(const StoreCommand& command) {
  const node::DataDir dir{command.data_dir};
  const auto lock = node::DataLock::take(dir, node::Sharing::kAlone, "its index is being rebuilt");
  if (!lock) return fail(lock.error());
  store::PosixFileSystem files;
  StatusLine progress(stderr);
  const auto report = store::rebuild_index(files, dir.root, [&](std::string_view what, auto done, auto total) {
    progress.show(reading_text(what, done, total));
  });
  progress.clear();
  if (!report) return fail(report.error());
  if (command.json) {
    std::cout << pretty(json::object{{"segments", report->segments},
                                     {"objects", report->objects},
                                     {"tombstones", report->tombstones},
                                     {"damage", damage_json(report->damage)}});
  } else {
    print_damage(report->damage);
    std::cout << "index of " << counted(report->objects, "object") << " and "
              << counted(report->tombstones, "tombstone") << " written, from " << counted(report->segments, "segment")
              << "\n";
  }
  return kDone;
}

}  // namespace brigade::cli
