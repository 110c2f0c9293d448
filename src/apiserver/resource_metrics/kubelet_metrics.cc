#include "apiserver/resource_metrics/kubelet_metrics.h"

#include <charconv>
#include <cmath>

#include "base/strings.h"

namespace tiphys::apiserver {
namespace {

constexpr MicroTime kMicrosPerMilli = 1000;
constexpr int64_t kMaxMillis = 253'402'300'800'000;  // the year 10000
constexpr double kMaxNumber = 9e18;                  // fits int64

struct Series {
  std::string container;
  std::string pod;
  std::string ns;
  double value = 0;
  MicroTime time = 0;
};

void set_cpu(const Series& from, UsagePoint& to) {
  to.cpu_ns = static_cast<int64_t>(from.value * 1e9);
  to.time = from.time;
}
void set_memory(const Series& from, UsagePoint& to) {
  to.memory_bytes = static_cast<int64_t>(from.value);
  to.time = from.time;
}
void set_start(const Series& from, UsagePoint& to) {
  to.started = static_cast<MicroTime>(from.value * kMicrosPerSecond);
}

struct Family {
  std::string_view name;
  bool of_node;
  double max;  // larger values are no numbers to us
  void (*set)(const Series&, UsagePoint&);
};
constexpr Family kFamilies[] = {
    {"node_cpu_usage_seconds_total", true, kMaxNumber / 1e9, set_cpu},
    {"node_memory_working_set_bytes", true, kMaxNumber, set_memory},
    {"container_cpu_usage_seconds_total", false, kMaxNumber / 1e9, set_cpu},
    {"container_memory_working_set_bytes", false, kMaxNumber, set_memory},
    {"container_start_time_seconds", false, kMaxMillis / 1e3, set_start},
};

ApiStatus malformed(std::string_view what) { return ApiStatus::internal(what); }

// Takes a quoted label value off the front; \\, \" and \n are its escapes.
Result<std::string> take_quoted(std::string_view& rest) {
  if (!rest.starts_with('"')) return malformed("label value is not quoted");
  std::string out;
  for (size_t i = 1; i < rest.size(); ++i) {
    if (rest[i] == '"') {
      rest.remove_prefix(i + 1);
      return out;
    }
    bool escaped = rest[i] == '\\' && i + 1 < rest.size();
    if (escaped) ++i;
    out += escaped && rest[i] == 'n' ? '\n' : rest[i];
  }
  return malformed("label value has no end");
}

void set_label(std::string_view name, const std::string& value, Series& out) {
  if (name == "container") out.container = value;
  if (name == "pod") out.pod = value;
  if (name == "namespace") out.ns = value;
}

// Takes {name="value",...} off the front.
Result<void> take_labels(std::string_view& rest, Series& out) {
  rest.remove_prefix(1);
  while (true) {
    rest = trim(rest);
    if (rest.starts_with('}')) break;
    size_t equals = rest.find('=');
    if (equals == std::string_view::npos) return malformed("labels have no end");
    std::string_view name = trim(rest.substr(0, equals));
    rest = trim(rest.substr(equals + 1));
    TIPHYS_TRY(std::string, value, take_quoted(rest));
    set_label(name, value, out);
    rest = trim(rest);
    if (rest.starts_with(',')) {
      rest.remove_prefix(1);
    } else if (!rest.starts_with('}')) {
      return malformed("labels are not separated");
    }
  }
  rest.remove_prefix(1);
  return {};
}

// "1.5e+06" or "1.5e+06 1700000000000"; 0 for what is no usage: negative, NaN, infinite, too large.
Result<void> take_value(std::string_view rest, const Family& family, MicroTime now, Series& out) {
  rest = trim(rest);
  std::string_view number = rest.substr(0, rest.find(' '));
  std::string_view time = trim(rest.substr(number.size()));
  if (number.starts_with('+')) number.remove_prefix(1);
  auto read = std::from_chars(number.data(), number.data() + number.size(), out.value);
  bool whole = read.ptr == number.data() + number.size() && !number.empty();
  if (!whole || read.ec == std::errc::invalid_argument) return malformed("value is no number");
  bool sane = read.ec == std::errc() && out.value >= 0 && out.value < family.max;
  if (!sane) out.value = 0;
  out.time = now;
  if (time.empty()) return {};
  std::optional<int64_t> millis = parse_int(time);
  if (!millis || *millis < 0 || *millis > kMaxMillis) return malformed("bad timestamp");
  out.time = *millis * kMicrosPerMilli;
  return {};
}

const Family* find_family(std::string_view name) {
  for (const Family& family : kFamilies) {
    if (family.name == name) return &family;
  }
  return nullptr;
}

Result<void> read_line(std::string_view line, MicroTime now, UsagePoint& node, NodePoints& out) {
  line = trim(line);
  if (line.empty() || line.starts_with('#')) return {};
  std::string_view name = line.substr(0, line.find_first_of("{ \t"));
  const Family* family = find_family(name);
  if (!family) return {};
  std::string_view rest = trim(line.substr(name.size()));
  Series series;
  if (rest.starts_with('{')) {
    Result<void> labels = take_labels(rest, series);
    if (!labels) return labels;
  }
  Result<void> value = take_value(rest, *family, now, series);
  if (!value) return value;
  if (family->of_node) {
    family->set(series, node);
  } else if (series.container.empty() || series.pod.empty() || series.ns.empty()) {
    return malformed("labels container, pod and namespace are not all there");
  } else {
    family->set(series, out.pods[{series.ns, series.pod}][series.container]);
  }
  return {};
}

bool is_complete(const UsagePoint& point) {
  return point.time > 0 && point.cpu_ns > 0 && point.memory_bytes > 0;
}

}  // namespace

Result<NodePoints> parse_kubelet_metrics(std::string_view text, MicroTime now) {
  NodePoints out;
  UsagePoint node;
  size_t number = 0;
  for (std::string_view line : split(text, '\n')) {
    ++number;
    Result<void> read = read_line(line, now, node, out);
    if (read) continue;
    return ApiStatus::internal("failed parsing metrics: line " + std::to_string(number) + ": " +
                               read.error().message());
  }
  if (is_complete(node)) out.node = node;
  std::erase_if(out.pods, [](const auto& pod) {
    for (const auto& [name, point] : pod.second) {
      if (!is_complete(point)) return true;
    }
    return false;
  });
  return out;
}

}  // namespace tiphys::apiserver
