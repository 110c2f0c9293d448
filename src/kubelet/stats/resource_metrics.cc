#include "kubelet/stats/resource_metrics.h"

#include <cstdio>

namespace tiphys::kubelet {
namespace {

constexpr MicroTime kMicrosPerMilli = 1000;
constexpr int64_t kNanosPerSecond = 1'000'000'000;

// One value of a series; scale: how many of its units are one of the metric's.
struct Point {
  int64_t value = 0;
  int64_t scale = 1;
  MicroTime time = 0;
};
using Read = std::optional<Point> (*)(const std::optional<UsageSample>& sample, MicroTime started);

std::optional<Point> cpu_of(const std::optional<UsageSample>& sample, MicroTime) {
  if (!sample) return std::nullopt;
  return Point{sample->used.cpu_ns, kNanosPerSecond, sample->time};
}
std::optional<Point> memory_of(const std::optional<UsageSample>& sample, MicroTime) {
  if (!sample) return std::nullopt;
  return Point{sample->used.working_set_bytes(), 1, sample->time};
}
std::optional<Point> swap_of(const std::optional<UsageSample>& sample, MicroTime) {
  if (!sample) return std::nullopt;
  return Point{sample->used.swap_bytes, 1, sample->time};
}
// Stamped with itself, as upstream's.
std::optional<Point> start_of(const std::optional<UsageSample>&, MicroTime started) {
  if (started <= 0) return std::nullopt;
  return Point{started, kMicrosPerSecond, started};
}

enum class Of { kContainer, kNode, kPod };
struct Family {
  Of of;
  const char* name;
  const char* type;
  const char* help;
  Read read;
};
// In the order of their names, as client_golang writes them.
constexpr Family kFamilies[] = {
    {Of::kContainer, "container_cpu_usage_seconds_total", "counter",
     "[STABLE] Cumulative cpu time consumed by the container in core-seconds", cpu_of},
    {Of::kContainer, "container_memory_working_set_bytes", "gauge",
     "[STABLE] Current working set of the container in bytes", memory_of},
    {Of::kContainer, "container_start_time_seconds", "gauge",
     "[STABLE] Start time of the container since unix epoch in seconds", start_of},
    {Of::kContainer, "container_swap_usage_bytes", "gauge",
     "[ALPHA] Current amount of the container swap usage in bytes. Reported only on non-windows "
     "systems",
     swap_of},
    {Of::kNode, "node_cpu_usage_seconds_total", "counter",
     "[STABLE] Cumulative cpu time consumed by the node in core-seconds", cpu_of},
    {Of::kNode, "node_memory_working_set_bytes", "gauge",
     "[STABLE] Current working set of the node in bytes", memory_of},
    {Of::kNode, "node_swap_usage_bytes", "gauge",
     "[ALPHA] Current swap usage of the node in bytes. Reported only on non-windows systems",
     swap_of},
    {Of::kPod, "pod_cpu_usage_seconds_total", "counter",
     "[STABLE] Cumulative cpu time consumed by the pod in core-seconds", cpu_of},
    {Of::kPod, "pod_memory_working_set_bytes", "gauge",
     "[STABLE] Current working set of the pod in bytes", memory_of},
    {Of::kPod, "pod_swap_usage_bytes", "gauge",
     "[ALPHA] Current amount of the pod swap usage in bytes. Reported only on non-windows systems",
     swap_of},
};

void append_header(const char* name, const char* help, const char* type, std::string& out) {
  out += std::string("# HELP ") + name + " " + help + "\n# TYPE " + name + " " + type + "\n";
}

void append_point(const Family& family, const std::string& labels,
                  const std::optional<Point>& point, std::string& out) {
  if (!point) return;
  char number[64];
  if (point->scale == 1) {
    snprintf(number, sizeof number, "%lld", static_cast<long long>(point->value));
  } else {  // all digits: a double would lose nanoseconds of a long uptime
    int digits = point->scale == kNanosPerSecond ? 9 : 6;
    snprintf(number, sizeof number, "%lld.%0*lld",
             static_cast<long long>(point->value / point->scale), digits,
             static_cast<long long>(point->value % point->scale));
  }
  out += family.name + labels + " " + number + " " + std::to_string(point->time / kMicrosPerMilli) +
         "\n";
}

// Names of containers, pods and namespaces are DNS labels: nothing in them needs an escape.
std::string pod_labels(const PodUsage& pod) {
  return "namespace=\"" + pod.ns + "\",pod=\"" + pod.name + "\"}";
}

void append_family(const Family& family, const NodeUsage& usage, std::string& out) {
  std::string lines;
  if (family.of == Of::kNode) {
    append_point(family, "", family.read(usage.sample, 0), lines);
  }
  for (const PodUsage& pod : usage.pods) {
    if (family.of == Of::kPod) {
      append_point(family, "{" + pod_labels(pod), family.read(pod.sample, 0), lines);
    }
    if (family.of != Of::kContainer) continue;
    for (const ContainerUsage& container : pod.containers) {
      append_point(family, "{container=\"" + container.name + "\"," + pod_labels(pod),
                   family.read(container.sample, container.started), lines);
    }
  }
  if (lines.empty()) return;
  append_header(family.name, family.help, family.type, out);
  out += lines;
}

}  // namespace

std::string resource_metrics_text(const Result<NodeUsage>& usage) {
  std::string out;
  if (usage) {
    for (const Family& family : kFamilies) append_family(family, *usage, out);
  }
  append_header("resource_scrape_error",
                "[STABLE] 1 if there was an error while getting container metrics, 0 otherwise",
                "gauge", out);
  out += std::string("resource_scrape_error ") + (usage ? "0" : "1") + "\n";
  return out;
}

}  // namespace tiphys::kubelet
