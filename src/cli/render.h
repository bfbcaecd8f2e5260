// What people see of a node's JSON answers. README.md, "HTTP", lists the fields.
// Thread: pure functions.
#pragma once

#include <string>
#include <string_view>

#include <boost/json/value.hpp>

namespace brigade::cli {

/// Of GET /cluster.
std::string render_status(const boost::json::value& cluster);
/// Of `scrub` in GET /cluster: one line, without its end.
std::string scrub_text(const boost::json::value& scrub);
/// The same after a pass: what that one read, for the next one may have begun.
std::string ended_scrub_text(const boost::json::value& scrub);
/// Of GET /cluster/nodes.
std::string render_nodes(const boost::json::value& nodes);
/// Of GET /cluster/locate/KEY.
std::string render_locate(const boost::json::value& locate);
/// Of GET /cluster/log: one line for each entry, oldest first.
std::string render_log(const boost::json::value& log);
/// Of GET /cluster/settings.
std::string render_settings(const boost::json::value& settings);
/// Of GET /cluster/plan.
/// Of /cluster/losses.
/// GET /cluster/verify.
std::string render_proof(const boost::json::value& proof);
std::string render_losses(const boost::json::value& losses);
std::string render_plan(const boost::json::value& plan);
/// Of GET /cluster/revisions/KEY.
std::string render_revisions(const boost::json::value& revisions);
/// Of the objects of GET /cluster/objects.
std::string render_objects(const boost::json::array& objects);

}  // namespace brigade::cli
