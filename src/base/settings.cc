#include "brigade/base/settings.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <optional>

#include "brigade/base/check.h"
#include "brigade/base/limits.h"

namespace brigade {
namespace {

using namespace std::chrono_literals;
constexpr Duration kDay = 24h;
constexpr std::uint64_t kRateMin = std::uint64_t{1} << 10;
constexpr std::uint64_t kRateMax = std::uint64_t{1} << 40;

// One way to read and one to write a setting, so that both are next to its name and its bounds.
struct Setting {
  SettingDescription description;
  Status (*read)(std::string_view text, Settings& into);
  std::string (*text)(const Settings& settings);
};

Error not_allowed(std::string_view name, std::string_view text, const std::string& allowed) {
  std::string shown(text.substr(0, 60));
  return {Errc::kInvalid, "setting " + std::string(name) + ": \"" + shown + "\" is not allowed; give " + allowed};
}

Status read_duration(std::string_view name, std::string_view text, Duration min, Duration max, Duration& into) {
  const Result<Duration> duration = parse_duration(text);
  if (!duration || *duration < min || *duration > max)
    return not_allowed(name, text,
                       "a duration with its unit, from " + duration_text(min) + " to " + duration_text(max));
  into = *duration;
  return {};
}

std::optional<std::uint32_t> read_count(std::string_view text) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

Status read_redundancy(std::string_view name, std::string_view text, std::uint32_t& into) {
  static constexpr std::array<std::uint32_t, 5> kAllowed{1, 2, 4, 8, 16};
  const std::optional<std::uint32_t> value = read_count(text);
  if (!value || std::find(kAllowed.begin(), kAllowed.end(), *value) == kAllowed.end())
    return not_allowed(name, text, "1, 2, 4, 8 or 16");
  into = *value;
  return {};
}

Status read_write_copies(std::string_view text, Settings& into) {
  const std::optional<std::uint32_t> value = read_count(text);
  if (!value || *value < 1 || *value > 16) return not_allowed("write_copies", text, "a number from 1 to 16");
  into.write_copies = *value;
  return {};
}

Status read_bandwidth(std::string_view name, std::string_view text, std::uint64_t& into) {
  std::string_view size = text;
  if (size.ends_with("/s")) size.remove_suffix(2);
  const Result<std::uint64_t> rate = parse_size(size);
  if (!rate || (*rate != 0 && (*rate < kRateMin || *rate > kRateMax))) {
    return not_allowed(name, text,
                       "0 (no bound), or from " + size_text(kRateMin) + "/s to " + size_text(kRateMax) + "/s");
  }
  into = *rate;
  return {};
}

std::string bandwidth_text(std::uint64_t rate) {
  return rate == 0 ? std::string("0") : size_text(rate) + "/s";
}

/// It goes into a response header as it is, so it can hold nothing that ends one.
Status read_cache_control(std::string_view text, Settings& into) {
  const bool is_clean = std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
  const bool is_trimmed = text.empty() || (text.front() != ' ' && text.back() != ' ');
  if (!is_clean || !is_trimmed || text.size() > limits::kSettingBytesMax) {
    return not_allowed("cache_control", text,
                       "a Cache-Control header value: printable ASCII without blanks at its ends, at most " +
                           std::to_string(limits::kSettingBytesMax) + " bytes, or nothing");
  }
  into.cache_control = text;
  return {};
}

Status read_redirect(std::string_view text, Settings& into) {
  if (text != "true" && text != "false") return not_allowed("redirect", text, "true or false");
  into.redirect = text == "true";
  return {};
}

const std::array kSettings{
    Setting{{"heartbeat", "duration", "time between two rounds of the coordinator's heartbeat"},
            [](std::string_view t, Settings& s) { return read_duration("heartbeat", t, 10ms, 1min, s.heartbeat); },
            [](const Settings& s) { return duration_text(s.heartbeat); }},
    Setting{{"lease", "duration", "how long a node may serve after a confirmed answer; at least 3 heartbeats"},
            [](std::string_view t, Settings& s) { return read_duration("lease", t, 30ms, 5min, s.lease); },
            [](const Settings& s) { return duration_text(s.lease); }},
    Setting{{"failure_timeout", "duration", "silence after which a node is declared down; at least the lease"},
            [](std::string_view t, Settings& s) {
              return read_duration("failure_timeout", t, 30ms, 10min, s.failure_timeout);
            },
            [](const Settings& s) { return duration_text(s.failure_timeout); }},
    Setting{{"grace", "duration", "how long the buckets of a node that is down wait for it to come back"},
            [](std::string_view t, Settings& s) { return read_duration("grace", t, 0s, 365 * kDay, s.grace); },
            [](const Settings& s) { return duration_text(s.grace); }},
    Setting{{"redundancy", "count", "copies of an object whose PUT does not say: 1, 2, 4, 8 or 16"},
            [](std::string_view t, Settings& s) { return read_redundancy("redundancy", t, s.redundancy); },
            [](const Settings& s) { return std::to_string(s.redundancy); }},
    Setting{{"min_redundancy", "count", "the lowest redundancy that a PUT may ask for; at most redundancy"},
            [](std::string_view t, Settings& s) { return read_redundancy("min_redundancy", t, s.min_redundancy); },
            [](const Settings& s) { return std::to_string(s.min_redundancy); }},
    Setting{{"write_copies", "count", "nodes on which a write is durable at least before it is acknowledged"},
            read_write_copies,
            [](const Settings& s) { return std::to_string(s.write_copies); }},
    Setting{{"repair_bandwidth", "size/s", "bytes per second and node for filling buckets; 0: no bound"},
            [](std::string_view t, Settings& s) { return read_bandwidth("repair_bandwidth", t, s.repair_bandwidth); },
            [](const Settings& s) { return bandwidth_text(s.repair_bandwidth); }},
    Setting{{"repair_target", "duration",
             "time in which filling is to end, if clients let it; 0s: it never waits for them"},
            [](std::string_view t, Settings& s) {
              return read_duration("repair_target", t, 0s, 365 * kDay, s.repair_target);
            },
            [](const Settings& s) { return duration_text(s.repair_target); }},
    Setting{{"compaction_bandwidth", "size/s", "bytes per second and disk that compaction copies; 0: no bound"},
            [](std::string_view t, Settings& s) {
              return read_bandwidth("compaction_bandwidth", t, s.compaction_bandwidth);
            },
            [](const Settings& s) { return bandwidth_text(s.compaction_bandwidth); }},
    Setting{{"retention", "duration", "how long what was overwritten or deleted can be brought back"},
            [](std::string_view t, Settings& s) { return read_duration("retention", t, 0s, 3650 * kDay, s.retention); },
            [](const Settings& s) { return duration_text(s.retention); }},
    Setting{{"write_deadline", "duration", "how long a write may take to become durable once its body is here"},
            [](std::string_view t, Settings& s) {
              return read_duration("write_deadline", t, 100ms, 10min, s.write_deadline);
            },
            [](const Settings& s) { return duration_text(s.write_deadline); }},
    Setting{{"scrub_period", "duration", "in which a node reads and verifies all that it stores; 0s: never"},
            [](std::string_view t, Settings& s) {
              return read_duration("scrub_period", t, 0s, 3650 * kDay, s.scrub_period);
            },
            [](const Settings& s) { return duration_text(s.scrub_period); }},
    Setting{{"cache_control", "text", "Cache-Control of GET answers; empty: none"},
            read_cache_control,
            [](const Settings& s) { return s.cache_control; }},
    Setting{{"redirect", "bool", "answer a GET of what is elsewhere with 307 instead of passing it through"},
            read_redirect,
            [](const Settings& s) { return std::string(s.redirect ? "true" : "false"); }},
};

const Setting* find_setting(std::string_view name) {
  for (const Setting& setting : kSettings)
    if (setting.description.name == name) return &setting;
  return nullptr;
}

Error unknown_setting(std::string_view name) {
  std::string known;
  for (const Setting& setting : kSettings) known += (known.empty() ? "" : ", ") + std::string(setting.description.name);
  return {Errc::kInvalid, "no setting is called \"" + std::string(name.substr(0, 60)) + "\"; there are " + known};
}

/// What no bound of a single setting can say.
Status check_relations(const Settings& s) {
  if (s.lease < 3 * s.heartbeat) {
    return Error{Errc::kInvalid, "setting lease: " + duration_text(s.lease) +
                                     " is less than 3 heartbeats; give at least " + duration_text(3 * s.heartbeat) +
                                     ", or lower heartbeat from " + duration_text(s.heartbeat)};
  }
  if (s.failure_timeout < s.lease) {
    return Error{Errc::kInvalid, "setting failure_timeout: " + duration_text(s.failure_timeout) +
                                     " is less than the lease; give at least " + duration_text(s.lease) +
                                     ", or lower lease"};
  }
  if (s.min_redundancy > s.redundancy) {
    return Error{Errc::kInvalid, "setting min_redundancy: " + std::to_string(s.min_redundancy) +
                                     " is more than redundancy; give at most " + std::to_string(s.redundancy) +
                                     ", or raise redundancy"};
  }
  return {};
}

}  // namespace

const std::vector<SettingDescription>& setting_descriptions() {
  static const std::vector<SettingDescription> descriptions = [] {
    std::vector<SettingDescription> all;
    for (const Setting& setting : kSettings) all.push_back(setting.description);
    return all;
  }();
  return descriptions;
}

Result<Settings> parse_settings(const std::map<std::string, std::string>& values) {
  Settings settings;
  for (const auto& [name, text] : values) {
    const Setting* setting = find_setting(name);
    if (setting == nullptr) return unknown_setting(name);
    if (Status status = setting->read(text, settings); !status) return status.error();
  }
  if (Status status = check_relations(settings); !status) return status.error();
  return settings;
}

std::string setting_text(const Settings& settings, std::string_view name) {
  const Setting* setting = find_setting(name);
  BRIGADE_CHECK(setting != nullptr, "no setting is called " << name);
  return setting->text(settings);
}

}  // namespace brigade
