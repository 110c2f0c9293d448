#include "kubelet/stats/cadvisor_metrics.h"

#include <cstdio>

namespace tiphys::kubelet {
namespace {

// What one line of labels stands for.
struct Subject {
  std::string labels;  // container="",id="/",image="",name="",namespace="",pod=""
  const UsageSample& sample;
  MicroTime started = 0;
};

using Read = std::optional<double> (*)(const Subject& subject);

constexpr double kNano = 1e-9;
constexpr double kMicro = 1e-6;

double number(int64_t value) { return static_cast<double>(value); }

std::optional<double> cpu(const Subject& s) { return number(s.sample.used.cpu_ns) * kNano; }
// Only where there is a limit, as cAdvisor.
std::optional<double> periods(const Subject& s) {
  if (s.sample.used.cpu_periods == 0) return std::nullopt;
  return number(s.sample.used.cpu_periods);
}
std::optional<double> throttled(const Subject& s) {
  if (s.sample.used.cpu_periods == 0) return std::nullopt;
  return number(s.sample.used.cpu_throttled_periods);
}
std::optional<double> throttled_seconds(const Subject& s) {
  if (s.sample.used.cpu_periods == 0) return std::nullopt;
  return number(s.sample.used.cpu_throttled_ns) * kNano;
}
std::optional<double> last_seen(const Subject& s) {
  return number(s.sample.time / kMicrosPerSecond);
}
std::optional<double> cache(const Subject& s) { return number(s.sample.used.cache_bytes); }
std::optional<double> faults(const Subject& s) { return number(s.sample.used.page_faults); }
std::optional<double> major_faults(const Subject& s) {
  return number(s.sample.used.major_page_faults);
}
std::optional<double> rss(const Subject& s) { return number(s.sample.used.rss_bytes); }
std::optional<double> used(const Subject& s) { return number(s.sample.used.memory_bytes); }
std::optional<double> working_set(const Subject& s) {
  return number(s.sample.used.working_set_bytes());
}
std::optional<double> swap(const Subject& s) { return number(s.sample.used.swap_bytes); }
std::optional<double> mapped(const Subject& s) { return number(s.sample.used.mapped_file_bytes); }
std::optional<double> oom(const Subject& s) { return number(s.sample.used.oom_kills); }
std::optional<double> limit(const Subject& s) { return number(s.sample.used.memory_limit_bytes); }
std::optional<double> started(const Subject& s) {
  if (s.started <= 0) return std::nullopt;
  return number(s.started) * kMicro;
}

struct Family {
  const char* name;
  const char* type;
  const char* help;
  Read read;
  const char* more = "";  // labels after those of the subject
};
constexpr Family kFamilies[] = {
    {"container_cpu_cfs_periods_total", "counter",
     "Number of elapsed enforcement period intervals.", periods},
    {"container_cpu_cfs_throttled_periods_total", "counter",
     "Number of throttled period intervals.", throttled},
    {"container_cpu_cfs_throttled_seconds_total", "counter",
     "Total time duration the container has been throttled.", throttled_seconds},
    {"container_cpu_usage_seconds_total", "counter", "Cumulative cpu time consumed in seconds.",
     cpu, ",cpu=\"total\""},
    {"container_last_seen", "gauge", "Last time a container was seen by the exporter", last_seen},
    {"container_memory_cache", "gauge", "Number of bytes of page cache memory.", cache},
    {"container_memory_failures_total", "counter",
     "Cumulative count of memory allocation failures.", faults,
     ",failure_type=\"pgfault\",scope=\"hierarchy\""},
    {"container_memory_failures_total", "counter", "", major_faults,
     ",failure_type=\"pgmajfault\",scope=\"hierarchy\""},
    {"container_memory_mapped_file", "gauge", "Size of memory mapped files in bytes.", mapped},
    {"container_memory_rss", "gauge", "Size of RSS in bytes.", rss},
    {"container_memory_swap", "gauge", "Container swap usage in bytes.", swap},
    {"container_memory_usage_bytes", "gauge",
     "Current memory usage in bytes, including all memory regardless of when it was accessed",
     used},
    {"container_memory_working_set_bytes", "gauge", "Current working set in bytes.", working_set},
    {"container_oom_events_total", "counter",
     "Count of out of memory events observed for the container", oom},
    {"container_spec_memory_limit_bytes", "gauge", "Memory limit for the container.", limit},
    {"container_start_time_seconds", "gauge",
     "Start time of the container since unix epoch in seconds.", started},
};

struct FsFamily {
  const char* name;
  const char* help;
  int64_t FsUsage::* value;
};
constexpr FsFamily kFs[] = {
    {"container_fs_inodes_free", "Number of available Inodes", &FsUsage::inodes_free},
    {"container_fs_inodes_total", "Number of Inodes", &FsUsage::inodes},
    {"container_fs_limit_bytes",
     "Number of bytes that can be consumed by the container on this filesystem.",
     &FsUsage::capacity},
    {"container_fs_usage_bytes",
     "Number of bytes that are consumed by the container on this filesystem.", &FsUsage::used},
};

struct DeviceFamily {
  const char* name;
  const char* help;
  int64_t os::DeviceUsage::* value;
};
constexpr DeviceFamily kDevices[] = {
    {"container_fs_reads_bytes_total", "Cumulative count of bytes read",
     &os::DeviceUsage::read_bytes},
    {"container_fs_reads_total", "Cumulative count of reads completed", &os::DeviceUsage::reads},
    {"container_fs_writes_bytes_total", "Cumulative count of bytes written",
     &os::DeviceUsage::written_bytes},
    {"container_fs_writes_total", "Cumulative count of writes completed", &os::DeviceUsage::writes},
};

struct NetworkFamily {
  const char* name;
  const char* help;
  int64_t InterfaceUsage::* value;
};
constexpr NetworkFamily kNetwork[] = {
    {"receive_bytes", "Cumulative count of bytes received", &InterfaceUsage::rx_bytes},
    {"receive_errors", "Cumulative count of errors encountered while receiving",
     &InterfaceUsage::rx_errors},
    {"receive_packets_dropped", "Cumulative count of packets dropped while receiving",
     &InterfaceUsage::rx_dropped},
    {"receive_packets", "Cumulative count of packets received", &InterfaceUsage::rx_packets},
    {"transmit_bytes", "Cumulative count of bytes transmitted", &InterfaceUsage::tx_bytes},
    {"transmit_errors", "Cumulative count of errors encountered while transmitting",
     &InterfaceUsage::tx_errors},
    {"transmit_packets_dropped", "Cumulative count of packets dropped while transmitting",
     &InterfaceUsage::tx_dropped},
    {"transmit_packets", "Cumulative count of packets transmitted", &InterfaceUsage::tx_packets},
};

void append_header(const std::string& name, const char* help, const char* type, std::string& out) {
  if (*help == 0) return;  // the same family goes on
  out += "# HELP " + name + " " + help + "\n# TYPE " + name + " " + type + "\n";
}

void append_line(const std::string& name, const std::string& labels, double value, MicroTime time,
                 std::string& out) {
  char text[64];
  snprintf(text, sizeof text, "%.15g", value);
  out += name + (labels.empty() ? "" : "{" + labels + "}") + " " + text;
  if (time > 0) out += " " + std::to_string(time / 1000);
  out += "\n";
}

std::string labels_of(const ContainerUsage* container, const std::string& id, const PodUsage* pod) {
  std::string out = "container=\"" + (container ? container->name : "") + "\",id=\"" + id;
  out += "\",image=\"" + (container ? container->image : "");
  out += "\",name=\"" + (container ? container->id : "");
  out += "\",namespace=\"" + (pod ? pod->ns : "") + "\",pod=\"" + (pod ? pod->name : "") + "\"";
  return out;
}

std::vector<Subject> subjects_of(const NodeUsage& usage) {
  std::vector<Subject> out;
  if (usage.sample) out.push_back({labels_of(nullptr, "/", nullptr), *usage.sample, usage.booted});
  for (const PodUsage& pod : usage.pods) {
    if (pod.sample) {
      out.push_back({labels_of(nullptr, pod.cgroup, &pod), *pod.sample, pod.started});
    }
    for (const ContainerUsage& c : pod.containers) {
      if (!c.sample) continue;
      out.push_back({labels_of(&c, c.cgroup, &pod), *c.sample, c.started});
    }
  }
  return out;
}

void append_fs(const NodeUsage& usage, std::string& out) {
  if (!usage.fs || !usage.sample) return;
  std::string labels = labels_of(nullptr, "/", nullptr) + ",device=\"" + usage.fs_device + "\"";
  for (const FsFamily& family : kFs) {
    append_header(family.name, family.help, "gauge", out);
    append_line(family.name, labels, number((*usage.fs).*family.value), usage.sample->time, out);
  }
}

void append_devices(const std::vector<Subject>& subjects, std::string& out) {
  for (const DeviceFamily& family : kDevices) {
    append_header(family.name, family.help, "counter", out);
    for (const Subject& subject : subjects) {
      for (const os::DeviceUsage& device : subject.sample.used.devices) {
        append_line(family.name, subject.labels + ",device=\"" + device.device + "\"",
                    number(device.*family.value), subject.sample.time, out);
      }
    }
  }
}

void append_network(const NodeUsage& usage, std::string& out) {
  for (const NetworkFamily& family : kNetwork) {
    std::string name = "container_network_" + std::string(family.name) + "_total";
    append_header(name, family.help, "counter", out);
    auto add = [&](const std::string& labels, const std::optional<UsageSample>& sample,
                   const std::vector<InterfaceUsage>& interfaces) {
      for (const InterfaceUsage& one : interfaces) {
        append_line(name, labels + ",interface=\"" + one.name + "\"", number(one.*family.value),
                    sample ? sample->time : 0, out);
      }
    };
    add(labels_of(nullptr, "/", nullptr), usage.sample, usage.network);
    for (const PodUsage& pod : usage.pods) {
      add(labels_of(nullptr, pod.cgroup, &pod), pod.sample, pod.network);
    }
  }
}

}  // namespace

std::string cadvisor_metrics_text(const Result<NodeUsage>& usage) {
  std::string out;
  if (usage) {
    std::vector<Subject> subjects = subjects_of(*usage);
    for (const Family& family : kFamilies) {
      append_header(family.name, family.help, family.type, out);
      for (const Subject& subject : subjects) {
        std::optional<double> value = family.read(subject);
        if (!value) continue;
        append_line(family.name, subject.labels + family.more, *value, subject.sample.time, out);
      }
    }
    append_fs(*usage, out);
    append_devices(subjects, out);
    append_network(*usage, out);
    append_header("machine_cpu_cores", "Number of logical CPU cores.", "gauge", out);
    append_line("machine_cpu_cores", "", number(usage->cpus), 0, out);
    append_header("machine_memory_bytes", "Amount of memory installed on the machine.", "gauge",
                  out);
    append_line("machine_memory_bytes", "", number(usage->memory_bytes), 0, out);
  }
  append_header("container_scrape_error",
                "1 if there was an error while getting container metrics, 0 otherwise", "gauge",
                out);
  append_line("container_scrape_error", "", usage ? 0 : 1, 0, out);
  return out;
}

}  // namespace tiphys::kubelet
