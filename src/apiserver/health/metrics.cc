#include "apiserver/health/metrics.h"

#include <unistd.h>

#include <cstdio>
#include <fstream>

#include "base/build_info.h"

namespace tiphys::apiserver {
namespace {

// One of upstream's verb labels; anything else is "other", so clients can't make new series.
std::string bounded_verb(std::string_view verb) {
  for (std::string_view known : {"get", "list", "watch", "create", "update", "patch", "delete",
                                 "deletecollection", "post", "put", "head", "options"}) {
    if (verb == known) {
      std::string upper(verb);
      for (char& c : upper) c = static_cast<char>(toupper(c));
      return upper == "CREATE" ? "POST" : upper == "UPDATE" ? "PUT" : upper;
    }
  }
  return "other";
}

std::string labels(const schema::Resource* resource, const std::string& verb) {
  std::string text = "group=\"";
  if (resource) text += resource->group;
  text += "\",resource=\"";
  if (resource) text += resource->resource;
  text += "\",verb=\"" + verb + "\",version=\"";
  if (resource) text += resource->version;
  return text + "\"";
}

void add_process(std::string& out) {
  std::ifstream file("/proc/self/statm");
  uint64_t size = 0;
  uint64_t resident = 0;
  file >> size >> resident;
  auto page = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  out += "# TYPE process_resident_memory_bytes gauge\nprocess_resident_memory_bytes " +
         std::to_string(resident * page) + "\n";
  out += "# TYPE process_virtual_memory_bytes gauge\nprocess_virtual_memory_bytes " +
         std::to_string(size * page) + "\n";
  char text[64];
  snprintf(text, sizeof text, "%.2f", static_cast<double>(clock()) / CLOCKS_PER_SEC);
  out += "# TYPE process_cpu_seconds_total counter\nprocess_cpu_seconds_total ";
  out += text;
  out += '\n';
}

}  // namespace

void Metrics::count(const schema::Resource* resource, std::string_view verb, int code,
                    Duration took) {
  std::string label = bounded_verb(verb);
  ++requests_[{resource, label, code}];
  Durations& durations = durations_[{resource, label}];
  double seconds = std::chrono::duration<double>(took).count();
  size_t bucket = 0;
  while (bucket < kBuckets.size() && seconds > kBuckets[bucket]) ++bucket;
  ++durations.counts[bucket];
  ++durations.total;
  durations.sum += seconds;
}

std::string Metrics::text() const {
  std::string out = "# TYPE apiserver_request_total counter\n";
  for (const auto& [key, count] : requests_) {
    const auto& [resource, verb, code] = key;
    out += "apiserver_request_total{code=\"" + std::to_string(code) + "\"," +
           labels(resource, verb) + "} " + std::to_string(count) + "\n";
  }
  out += "# TYPE apiserver_request_duration_seconds histogram\n";
  for (const auto& [key, durations] : durations_) {
    std::string base = labels(key.first, key.second);
    uint64_t running = 0;
    for (size_t i = 0; i <= kBuckets.size(); ++i) {
      running += durations.counts[i];
      char bound[32];
      snprintf(bound, sizeof bound, "%g", i < kBuckets.size() ? kBuckets[i] : 0.0);
      out += "apiserver_request_duration_seconds_bucket{" + base + ",le=\"" +
             (i < kBuckets.size() ? bound : "+Inf") + "\"} " + std::to_string(running) + "\n";
    }
    char sum[64];
    snprintf(sum, sizeof sum, "%.6f", durations.sum);
    out += "apiserver_request_duration_seconds_sum{" + base + "} " + sum + "\n";
    out += "apiserver_request_duration_seconds_count{" + base + "} " +
           std::to_string(durations.total) + "\n";
  }
  out += "# TYPE apiserver_current_inflight_requests gauge\n";
  out += "apiserver_current_inflight_requests{request_kind=\"mutating\"} " +
         std::to_string(in_flight_mutating) + "\n";
  out += "apiserver_current_inflight_requests{request_kind=\"readOnly\"} " +
         std::to_string(in_flight_reading) + "\n";
  out += audit::metrics_text(audit ? *audit : audit::Counts{});
  if (tokens) out += metrics_text(*tokens);
  out += metrics_text(streams);
  add_process(out);
  out += build_info_text();
  for (const auto& other : others) out += other();
  return out;
}

}  // namespace tiphys::apiserver
