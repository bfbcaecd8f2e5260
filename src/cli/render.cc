#include "render.h"

#include "json_view.h"
#include "text.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>

#include <boost/json/array.hpp>

namespace brigade::cli {
namespace {

namespace json = boost::json;
using Align = Table::Align;

/// One "name  value" line of a head above tables.
void add_line(std::string& out, std::string_view name, const std::string& value) {
  std::string line(name);
  line.resize(std::max<std::size_t>(line.size() + 2, 13), ' ');
  out += line + value + "\n";
}

/// Buckets that are not in sync because their node is down are no work in progress.
std::string bucket_counts(const json::value& cluster) {
  std::uint64_t away = 0;
  for (const json::value& node : array_at(cluster, "roster"))
    if (!is_true_at(node, "up")) away += number_at(node, "buckets");
  const std::uint64_t filling = number_at(cluster, "buckets.filling");
  away = std::min(away, filling);
  std::string text = std::to_string(number_at(cluster, "buckets.serving")) + " serving";
  const auto add = [&text](std::uint64_t count, std::string_view what) {
    if (count > 0) text += ", " + std::to_string(count) + " " + std::string(what);
  };
  add(filling - away, "filling");
  add(away, "on nodes that are down");
  add(number_at(cluster, "buckets.unassigned"), "unassigned");
  add(number_at(cluster, "buckets.lost"), "lost");
  return text;
}

/// A key on one line, whatever is in it.
std::string on_one_line(const std::string& key) {
  std::string text;
  for (const char c : key) {
    if (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f) {
      text += c;
    } else {
      constexpr std::string_view kDigits = "0123456789ABCDEF";
      const auto byte = static_cast<unsigned char>(c);
      text += {'%', kDigits[byte >> 4U], kDigits[byte & 0xfU]};
    }
  }
  return text;
}

std::string what_it_knew(const json::value& cluster) {
  return text_at(cluster, "state") == "no-quorum"
             ? "This node is without a quorum: what follows is what it knew last.\n"
             : "";
}

std::string roster_table(const json::value& nodes, std::string_view coordinator) {
  Table table({{"NODE"},
               {"STATE"},
               {"ROLE"},
               {"ZONE"},
               {"WEIGHT", Align::kRight},
               {"BUCKETS", Align::kRight},
               {"CLIENT"},
               {"PEER"},
               {"ID"}});
  std::map<std::string, const json::value*> by_name;
  for (const auto& node : array_at(nodes, "roster")) by_name[text_at(node, "name")] = &node;
  for (const auto& [name, found] : by_name) {
    const json::value& node = *found;
    table.row({name, is_true_at(node, "up") ? (is_true_at(node, "draining") ? "draining" : "up") : "down",
               name == coordinator ? "coordinator" : "", text_at(node, "zone"), text_at(node, "weight"),
               text_at(node, "buckets"), text_at(node, "client"), text_at(node, "peer"), text_at(node, "id")});
  }
  return table.text();
}

/// "seq 17 (join)", "-" before any assignment. A move that ended has no reason of its own, only its kind.
std::string assigned_by(const json::value& replica, const std::string& field) {
  if (number_at(replica, field + ".seq") == 0) return "-";
  const auto reason = text_at(replica, field + ".reason");
  return "seq " + text_at(replica, field + ".seq") + " (" +
         (reason == "-" ? text_at(replica, field + ".kind") : reason) + ")";
}

/// Sizes that a node could not find out are null.
std::string bytes_at(const json::value& value, std::string_view path) {
  return text_at(value, path) == "-" ? "bytes unknown" : human_bytes(number_at(value, path));
}

/// While some nodes have the next release: what the cluster waits for.
std::string upgrade_text(const json::value& cluster) {
  const std::uint64_t version = number_at(cluster, "protocol");
  std::string old;
  for (const json::value& node : array_at(cluster, "roster"))
    if (number_at(node, "speaks") <= version) old += (old.empty() ? "" : ", ") + text_at(node, "name");
  const bool is_mixed = std::ranges::any_of(
      array_at(cluster, "roster"), [&](const json::value& node) { return number_at(node, "speaks") > version; });
  if (!is_mixed) return {};
  return "version " + std::to_string(version) + "; the next one when all speak it: not yet " + old;
}

/// What all passes since the start of the node found.
std::string found_text(const json::value& scrub) {
  const std::string text = counted(number_at(scrub, "corrupt_found"), "corrupt record") + " found, " +
                           text_at(scrub, "repaired") + " repaired";
  const std::uint64_t left = number_at(scrub, "corrupt_now");
  return left == 0 ? text : text + ", " + std::to_string(left) + " WAIT FOR A GOOD COPY";
}

}  // namespace

std::string scrub_text(const json::value& scrub) {
  if (text_at(scrub, "pass_started") == "-") return "no pass yet; " + found_text(scrub);
  return "pass since " + text_at(scrub, "pass_started") + ", " + human_bytes(number_at(scrub, "bytes_done")) + " of " +
         human_bytes(number_at(scrub, "bytes_total")) + " at " + human_bytes(number_at(scrub, "bytes_per_second")) +
         "/s; " + found_text(scrub);
}

std::string ended_scrub_text(const json::value& scrub) {
  const bool is_known = text_at(scrub, "last_pass_bytes") != "-";
  return (is_known ? "read " + human_bytes(number_at(scrub, "last_pass_bytes")) : std::string("all is read")) + "; " +
         found_text(scrub) + " since the node started";
}

/// Empty if nothing is to be filled.
std::string fill_text(const json::value& fill) {
  const std::uint64_t left = number_at(fill, "left"), filled = number_at(fill, "filled");
  if (left == 0) return {};
  std::string text = std::to_string(filled) + " of " + counted(left + filled, "bucket") + ", " +
                     human_bytes(number_at(fill, "bytes")) + " at " + human_bytes(number_at(fill, "bytes_per_second")) +
                     "/s";
  if (text_at(fill, "seconds_left") != "-") text += ", about " + text_at(fill, "seconds_left") + " s left";
  return text;
}

std::string render_status(const json::value& cluster) {
  const auto coordinator = text_at(cluster, "coordinator");
  std::string out;
  add_line(out, "cluster", text_at(cluster, "cluster"));
  add_line(out, "this node", text_at(cluster, "node") + ", " + text_at(cluster, "state"));
  add_line(out, "coordinator",
           coordinator == "-" ? "none" : coordinator + ", epoch " + text_at(cluster, "epoch.counter"));
  add_line(out, "quorum",
           text_at(cluster, "quorum.present") + " of " + counted(array_at(cluster, "roster").size(), "node") +
               " present, " + text_at(cluster, "quorum.needed") + " needed");
  add_line(out, "log", "seq " + text_at(cluster, "seq") + ", committed up to " + text_at(cluster, "commit"));
  if (const auto upgrade = upgrade_text(cluster); !upgrade.empty()) add_line(out, "protocol", upgrade);
  add_line(out, "buckets", bucket_counts(cluster));
  add_line(out, "stored here",
           counted(number_at(cluster, "objects"), "object") + ", " + human_bytes(number_at(cluster, "bytes")));
  if (const auto* const fill = find_at(cluster, "fill"); fill != nullptr && !fill_text(*fill).empty())
    add_line(out, "filling", fill_text(*fill));
  if (const auto* const scrub = find_at(cluster, "scrub")) add_line(out, "scrub", scrub_text(*scrub));
  for (const json::value& disk : array_at(cluster, "disks")) {
    std::string text = text_at(disk, "path") + ": " + counted(number_at(disk, "objects"), "object") + ", " +
                       human_bytes(number_at(disk, "bytes"));
    if (text_at(disk, "state") == "failed") text += " FAILED: " + text_at(disk, "reason");
    add_line(out, "disk", text);
  }
  return out + "\n" + what_it_knew(cluster) + roster_table(cluster, coordinator);
}

std::string render_nodes(const json::value& nodes) {
  return what_it_knew(nodes) + roster_table(nodes, text_at(nodes, "coordinator"));
}

std::string render_locate(const json::value& locate) {
  std::string out;
  add_line(out, "key", text_at(locate, "key"));
  add_line(out, "id", text_at(locate, "id"));
  add_line(out, "exists", text_at(locate, "exists"));
  add_line(out, "home bucket", text_at(locate, "home"));
  add_line(out, "redundancy", text_at(locate, "redundancy"));
  add_line(out, "primary", text_at(locate, "primary"));
  add_line(out, "map seq", text_at(locate, "seq"));
  Table table({{"BUCKET", Align::kRight},
               {"STATE"},
               {"OWNER"},
               {"IN SYNC"},
               {"HAS IT"},
               {"REVISION"},
               {"PUT THERE BY"},
               {"NEW OWNER"},
               {"PUT THERE BY"}});
  for (const auto& replica : array_at(locate, "replicas")) {
    const auto* const holds = find_at(replica, "holds");
    table.row(
        {text_at(replica, "bucket"), text_at(replica, "state"), text_at(replica, "owner"), text_at(replica, "in_sync"),
         holds == nullptr || holds->is_null() ? "unknown" : text_at(replica, "holds"), text_at(replica, "revision"),
         assigned_by(replica, "assigned"), text_at(replica, "new_owner"), assigned_by(replica, "new_assigned")});
  }
  std::set<std::string> owners;
  for (const auto& replica : array_at(locate, "replicas"))
    if (is_true_at(replica, "in_sync")) owners.insert(text_at(replica, "owner"));
  out += "\n" + table.text();
  if (owners.empty())
    out += "\nNo replica is in sync: reads get 503 until a node that has it is back.\n";
  else if (owners.size() == 1 && array_at(locate, "replicas").size() > 1)
    out += "\nIn sync on " + *owners.begin() + " alone: if that node fails, it can't be read until the node is back.\n";
  return out;
}

std::string render_log(const json::value& log) {
  Table table({{"SEQ", Align::kRight}, {"TIME"}, {"EPOCH"}, {"KIND"}, {"WHAT"}});
  for (const auto& entry : array_at(log, "entries"))
    table.row({text_at(entry, "seq"), text_at(entry, "time"), text_at(entry, "epoch"), text_at(entry, "kind"),
               text_at(entry, "text")});
  return table.text();
}

std::string render_settings(const json::value& settings) {
  Table table({{"SETTING"}, {"VALUE"}, {"DEFAULT"}, {"ABOUT"}});
  for (const auto& setting : array_at(settings, "settings"))
    table.row(
        {text_at(setting, "name"), text_at(setting, "value"), text_at(setting, "default"), text_at(setting, "about")});
  return table.text();
}

std::string render_plan(const json::value& plan) {
  const auto moves = number_at(plan, "moves");
  const auto assignments = number_at(plan, "assignments");
  std::string out = what_it_knew(plan);
  if (moves == 0 && assignments == 0) return out + "nothing to move: every bucket is where it belongs\n";
  add_line(out, "to move", counted(moves, "bucket") + ", " + bytes_at(plan, "bytes"));
  add_line(out, "at least", counted(number_at(plan, "lower_bound"), "bucket") + ", whatever the plan");
  if (const auto seconds = number_at(plan, "least_seconds"); seconds > 0)
    add_line(out, "takes", "at least " + std::to_string(seconds) + " s, by the setting repair_bandwidth");
  if (assignments > 0) add_line(out, "to assign", counted(assignments, "bucket") + " without an owner");
  Table table({{"FROM"}, {"TO"}, {"BUCKETS", Align::kRight}, {"BYTES", Align::kRight}});
  for (const auto& transfer : array_at(plan, "transfers"))
    table.row({text_at(transfer, "from"), text_at(transfer, "to"), text_at(transfer, "buckets"),
               bytes_at(transfer, "bytes")});
  return out + "\n" + table.text();
}

std::string render_proof(const json::value& proof) {
  const auto line = [](std::uint64_t count, const std::string& rest) {
    return count == 0 ? std::string() : counted(count, "object") + rest + "\n";
  };
  std::string out;
  for (const auto& read : array_at(proof, "read"))
    out += text_at(read, "node") + ": " + human_bytes(number_at(read, "bytes_total")) + " read and verified, " +
           counted(number_at(read, "corrupt_now"), "object") + " damaged\n";
  if (is_true_at(proof, "whole"))
    out += "every object has all its copies: " + counted(number_at(proof, "records"), "object") + ", compared by " +
           counted(number_at(proof, "compared"), "digest") + "\n";
  if (const auto mended = number_at(proof, "mended"); mended > 0)
    out += counted(mended, "bucket") + " differed between siblings, and " + (mended == 1 ? "is" : "are") +
           " the same now\n";
  out += line(number_at(proof, "crowded"),
              " with copies that share a node: there are too few nodes, or one has just come");
  out += line(number_at(proof, "short"), " with fewer copies than their redundancy: buckets of theirs are not in sync");
  Table shortages({{"BUCKET", Align::kRight},
                   {"REDUNDANCY", Align::kRight},
                   {"COPIES", Align::kRight},
                   {"OBJECTS", Align::kRight}});
  for (const auto& shortage : array_at(proof, "shortages"))
    shortages.row({text_at(shortage, "bucket"), text_at(shortage, "redundancy"), text_at(shortage, "copies"),
                   text_at(shortage, "records")});
  if (!array_at(proof, "shortages").empty()) out += shortages.text();
  out += line(number_at(proof, "differing"), " that siblings do not agree about:");
  Table differences({{"OBJECT"}, {"NODE"}, {"REVISION"}, {"OTHER"}, {"REVISION"}});
  for (const auto& difference : array_at(proof, "differences")) {
    const std::string key = text_at(difference, "key");
    differences.row({key.empty() ? text_at(difference, "id") : key, text_at(difference, "node"),
                     text_at(difference, "revision"), text_at(difference, "other"),
                     text_at(difference, "other_revision")});
  }
  if (!array_at(proof, "differences").empty()) out += differences.text();
  return out;
}

std::string render_losses(const json::value& losses) {
  const std::uint64_t count = number_at(losses, "count");
  if (count == 0) return "nothing is lost: no bucket waits for a node that is away\n";
  std::string out = counted(count, "bucket") + " " + (count == 1 ? "waits" : "wait") + " for nodes that are away:\n\n";
  Table table({{"BUCKET", Align::kRight}, {"NODE"}, {"COMPLETE THERE UNTIL"}, {"LOST AT"}});
  for (const auto& bucket : array_at(losses, "buckets")) {
    const auto until = number_at(bucket, "complete_until");
    table.row({text_at(bucket, "bucket"), text_at(bucket, "node") + (is_true_at(bucket, "up") ? "" : ", down"),
               until == 0 ? "never" : "seq " + std::to_string(until), "seq " + text_at(bucket, "lost_at")});
  }
  const auto told = array_at(losses, "buckets").size();
  return out + table.text() + (told < count ? "... and " + std::to_string(count - told) + " more\n" : "");
}

std::string render_revisions(const json::value& revisions) {
  const json::array& all = array_at(revisions, "revisions");
  if (all.empty())
    return "nothing of " + text_at(revisions, "key") +
           " can be brought back: nothing was replaced or deleted within the setting `retention`\n";
  Table table({{"REVISION"}, {"SIZE", Align::kRight}, {"REPLACED"}, {"UNTIL"}, {"NODES"}});
  for (const auto& revision : all) {
    std::string nodes;
    for (const auto& name : array_at(revision, "nodes"))
      nodes += (nodes.empty() ? "" : ", ") + std::string(name.as_string());
    table.row({text_at(revision, "revision"), human_bytes(number_at(revision, "size")), text_at(revision, "replaced"),
               text_at(revision, "until"), nodes});
  }
  return table.text();
}

std::string render_objects(const json::array& objects) {
  Table table({{"SIZE", Align::kRight}, {"COPIES", Align::kRight}, {"MODIFIED"}, {"KEY"}});
  for (const auto& object : objects)
    table.row({human_bytes(number_at(object, "size")), text_at(object, "redundancy"), text_at(object, "modified"),
               on_one_line(text_at(object, "key"))});
  return table.text();
}

}  // namespace brigade::cli
