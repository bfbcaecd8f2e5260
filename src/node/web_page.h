// The page that a browser gets at "/": this node's view of the cluster, and the map as a picture.
#pragma once

#include <string_view>

namespace brigade::node {

/// One HTML document, which loads nothing but this node's /cluster and /cluster/map.
std::string_view web_page();
/// Value of Content-Security-Policy for it: nothing from elsewhere.
std::string_view web_page_policy();

}  // namespace brigade::node
