#include <gtest/gtest.h>

#include "kubelet/runtime/cri_records.h"
#include "kubelet/stats/cadvisor_metrics.h"
#include "kubelet/stats/network_usage.h"
#include "kubelet/stats/resource_metrics.h"
#include "kubelet/stats/runtime_usage.h"
#include "kubelet/stats/summary.h"
#include "kubelet/stats/usage_rates.h"

namespace tiphys::kubelet {
namespace {

constexpr MicroTime kStart = 1'700'000'000'000'000;

UsageSample sample(MicroTime time, int64_t cpu_ns) {
  UsageSample out;
  out.time = time;
  out.used.cpu_ns = cpu_ns;
  out.used.memory_bytes = 5000;
  out.used.inactive_file_bytes = 1000;
  return out;
}

NodeUsage one_pod(MicroTime time, int64_t cpu_ns) {
  NodeUsage out{.name = "n"};
  out.sample = sample(time, 3 * cpu_ns);
  PodUsage pod{.name = "p", .ns = "default", .uid = "u", .cgroup = "/kubepods/podu"};
  pod.started = kStart;
  pod.sample = sample(time, 2 * cpu_ns);
  pod.containers.push_back({"c", "id", "/kubepods/podu/id", kStart, sample(time, cpu_ns)});
  pod.containers.push_back({"unread", "id2", "/kubepods/podu/id2", 0, std::nullopt});
  out.pods.push_back(std::move(pod));
  return out;
}

std::optional<int64_t> container_rate(const NodeUsage& usage) {
  return usage.pods[0].containers[0].sample->nano_cores;
}

TEST(UsageRates, TwoSamplesMakeARate) {
  UsageRates rates;
  NodeUsage first = one_pod(kStart, 1'000'000'000);
  rates.update(first);
  EXPECT_EQ(container_rate(first), std::nullopt);
  NodeUsage second = one_pod(kStart + 10 * kMicrosPerSecond, 6'000'000'000);
  rates.update(second);
  EXPECT_EQ(container_rate(second), 500'000'000);
  EXPECT_EQ(second.pods[0].sample->nano_cores, 1'000'000'000);
  EXPECT_EQ(second.sample->nano_cores, 1'500'000'000);
}

TEST(UsageRates, SamplesTooCloseKeepTheLastRate) {
  UsageRates rates;
  NodeUsage usage = one_pod(kStart, 0);
  rates.update(usage);
  usage = one_pod(kStart + 2 * kMicrosPerSecond, 2'000'000'000);
  rates.update(usage);
  usage = one_pod(kStart + 2 * kMicrosPerSecond + 10, 2'000'000'100);
  rates.update(usage);
  EXPECT_EQ(container_rate(usage), 1'000'000'000);
  usage = one_pod(kStart + 4 * kMicrosPerSecond, 2'000'000'000);
  rates.update(usage);
  EXPECT_EQ(container_rate(usage), 0);
}

TEST(UsageRates, CountersAndClocksThatWentBack) {
  UsageRates rates;
  NodeUsage usage = one_pod(kStart, 5'000);
  rates.update(usage);
  usage = one_pod(kStart + 100, 10);
  rates.update(usage);
  EXPECT_EQ(container_rate(usage), std::nullopt);
  usage = one_pod(kStart - kMicrosPerSecond, 20);
  rates.update(usage);
  EXPECT_EQ(container_rate(usage), std::nullopt);
}

TEST(UsageRates, WhatIsGoneIsForgotten) {
  UsageRates rates;
  NodeUsage usage = one_pod(kStart, 0);
  rates.update(usage);
  NodeUsage empty{.name = "n"};
  rates.update(empty);
  usage = one_pod(kStart + 2 * kMicrosPerSecond, 10);
  rates.update(usage);
  EXPECT_EQ(container_rate(usage), std::nullopt);
}

TEST(ResourceMetrics, TextHasNamesLabelsAndTimestamps) {
  std::string text = resource_metrics_text(one_pod(kStart + 1'500'000, 1'000'000'007));
  EXPECT_EQ(text,
            "# HELP container_cpu_usage_seconds_total [STABLE] Cumulative cpu time consumed by the "
            "container in core-seconds\n"
            "# TYPE container_cpu_usage_seconds_total counter\n"
            "container_cpu_usage_seconds_total{container=\"c\",namespace=\"default\",pod=\"p\"} "
            "1.000000007 1700000001500\n"
            "# HELP container_memory_working_set_bytes [STABLE] Current working set of the "
            "container in bytes\n"
            "# TYPE container_memory_working_set_bytes gauge\n"
            "container_memory_working_set_bytes{container=\"c\",namespace=\"default\",pod=\"p\"} "
            "4000 1700000001500\n"
            "# HELP container_start_time_seconds [STABLE] Start time of the container since unix "
            "epoch in seconds\n"
            "# TYPE container_start_time_seconds gauge\n"
            "container_start_time_seconds{container=\"c\",namespace=\"default\",pod=\"p\"} "
            "1700000000.000000 1700000000000\n"
            "# HELP container_swap_usage_bytes [ALPHA] Current amount of the container swap usage "
            "in bytes. Reported only on non-windows systems\n"
            "# TYPE container_swap_usage_bytes gauge\n"
            "container_swap_usage_bytes{container=\"c\",namespace=\"default\",pod=\"p\"} 0 "
            "1700000001500\n"
            "# HELP node_cpu_usage_seconds_total [STABLE] Cumulative cpu time consumed by the node "
            "in core-seconds\n"
            "# TYPE node_cpu_usage_seconds_total counter\n"
            "node_cpu_usage_seconds_total 3.000000021 1700000001500\n"
            "# HELP node_memory_working_set_bytes [STABLE] Current working set of the node in "
            "bytes\n"
            "# TYPE node_memory_working_set_bytes gauge\n"
            "node_memory_working_set_bytes 4000 1700000001500\n"
            "# HELP node_swap_usage_bytes [ALPHA] Current swap usage of the node in bytes. "
            "Reported only on non-windows systems\n"
            "# TYPE node_swap_usage_bytes gauge\n"
            "node_swap_usage_bytes 0 1700000001500\n"
            "# HELP pod_cpu_usage_seconds_total [STABLE] Cumulative cpu time consumed by the pod "
            "in core-seconds\n"
            "# TYPE pod_cpu_usage_seconds_total counter\n"
            "pod_cpu_usage_seconds_total{namespace=\"default\",pod=\"p\"} 2.000000014 "
            "1700000001500\n"
            "# HELP pod_memory_working_set_bytes [STABLE] Current working set of the pod in "
            "bytes\n"
            "# TYPE pod_memory_working_set_bytes gauge\n"
            "pod_memory_working_set_bytes{namespace=\"default\",pod=\"p\"} 4000 1700000001500\n"
            "# HELP pod_swap_usage_bytes [ALPHA] Current amount of the pod swap usage in bytes. "
            "Reported only on non-windows systems\n"
            "# TYPE pod_swap_usage_bytes gauge\n"
            "pod_swap_usage_bytes{namespace=\"default\",pod=\"p\"} 0 1700000001500\n"
            "# HELP resource_scrape_error [STABLE] 1 if there was an error while getting container "
            "metrics, 0 otherwise\n"
            "# TYPE resource_scrape_error gauge\n"
            "resource_scrape_error 0\n");
}

TEST(ResourceMetrics, AFailureIsCounted) {
  std::string text = resource_metrics_text(ApiStatus::internal("no cgroups"));
  EXPECT_TRUE(text.ends_with("resource_scrape_error 1\n")) << text;
  EXPECT_EQ(text.find("node_cpu"), std::string::npos);
}

TEST(Summary, IsUpstreamsJson) {
  NodeUsage usage = one_pod(kStart, 1'000);
  usage.booted = kStart - 60 * kMicrosPerSecond;
  usage.pods[0].containers.pop_back();
  usage.pods[0].containers[0].sample->nano_cores = 7;
  usage.pods[0].containers[0].sample->used.memory_limit_bytes = 10'000;
  usage.pods[0].sample.reset();
  usage.sample.reset();
  EXPECT_EQ(summary_json(usage, true),
            R"({"node":{"nodeName":"n","startTime":"2023-11-14T22:12:20Z"},"pods":[{"podRef":)"
            R"({"name":"p","namespace":"default","uid":"u"},"startTime":"2023-11-14T22:13:20Z",)"
            R"("containers":[{"name":"c","startTime":"2023-11-14T22:13:20Z","cpu":{"time":)"
            R"("2023-11-14T22:13:20Z","usageNanoCores":7,"usageCoreNanoSeconds":1000},"memory":)"
            R"({"time":"2023-11-14T22:13:20Z","availableBytes":6000,"usageBytes":5000,)"
            R"("workingSetBytes":4000,"rssBytes":0,"pageFaults":0,"majorPageFaults":0},)"
            R"("swap":{"time":"2023-11-14T22:13:20Z","swapUsageBytes":0}}]}]})");
}

TEST(Summary, TheMachineIsLeftOutOnDemand) {
  NodeUsage usage{.name = "n", .sample = sample(kStart, 1)};
  usage.fs = FsUsage{.available = 40, .capacity = 100, .used = 60};
  EXPECT_NE(summary_json(usage, false).find(R"("capacityBytes":100,"usedBytes":60)"),
            std::string::npos);
  EXPECT_EQ(summary_json(usage, true).find("capacityBytes"), std::string::npos);
}

TEST(Summary, TellsOfDisks) {
  NodeUsage usage = one_pod(kStart, 1'000);
  FsUsage fs{.time = kStart, .available = 1, .capacity = 2, .used = 3};
  usage.image_fs = fs;
  PodUsage& pod = usage.pods[0];
  pod.containers[0].rootfs = fs;
  pod.containers[0].logs = fs;
  pod.volumes = {{"v", fs}};
  pod.ephemeral_storage = fs;
  const std::string shown =
      R"({"time":"2023-11-14T22:13:20Z","availableBytes":1,"capacityBytes":2,"usedBytes":3,)"
      R"("inodesFree":0,"inodes":0,"inodesUsed":0)";
  std::string text = summary_json(usage, false);
  for (const std::string& part :
       {R"("runtime":{"imageFs":)" + shown + "}}", R"("rootfs":)" + shown + "}",
        R"("logs":)" + shown + "}", R"("volume":[)" + shown + R"(,"name":"v"}])",
        R"("ephemeral-storage":)" + shown + "}"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  }
  EXPECT_EQ(summary_json(usage, true).find("capacityBytes"), std::string::npos);
}

TEST(RuntimeUsage, WritableLayersThatWereMeasured) {
  NodeUsage usage = one_pod(kStart, 1'000);
  UsageRecord told{.container_id = "id", .writable_bytes = 7, .writable_inodes = 2};
  FsUsage fs{.available = 50, .capacity = 100, .used = 50};
  fill_writable_layers(usage, {told}, fs);
  EXPECT_FALSE(usage.pods[0].containers[0].rootfs);
  told.writable_time = kStart;
  fill_writable_layers(usage, {told}, fs);
  ASSERT_TRUE(usage.pods[0].containers[0].rootfs);
  EXPECT_EQ(usage.pods[0].containers[0].rootfs->used, 7);
  EXPECT_EQ(usage.pods[0].containers[0].rootfs->capacity, 100);
  EXPECT_FALSE(usage.pods[0].containers[1].rootfs);
}

TEST(RuntimeUsage, FillsWhatControlGroupsDoNotTell) {
  NodeUsage usage = one_pod(kStart, 1'000);
  EXPECT_TRUE(lacks_containers(usage));
  usage.pods[0].sample.reset();
  fill_from_runtime(usage, {{"id", kStart, {.cpu_ns = 99}}, {"other", kStart, {}}});
  EXPECT_TRUE(lacks_containers(usage));
  EXPECT_FALSE(usage.pods[0].sample);
  fill_from_runtime(usage, {{"id2", kStart - 5, {.cpu_ns = 7, .memory_bytes = 30}}});
  EXPECT_FALSE(lacks_containers(usage));
  EXPECT_EQ(usage.pods[0].containers[0].sample->used.cpu_ns, 1'000);  // its own stays
  ASSERT_TRUE(usage.pods[0].sample);
  EXPECT_EQ(usage.pods[0].sample->used.cpu_ns, 1'007);
  EXPECT_EQ(usage.pods[0].sample->used.working_set_bytes(), 4030);
  EXPECT_EQ(usage.pods[0].sample->time, kStart - 5);
}

TEST(RuntimeUsage, IsReadFromCri) {
  Draft draft(cri_v1::ContainerStats::message());
  cri_v1::ContainerStatsEdit stats(draft);
  stats.edit_attributes().set_id("x");
  EXPECT_FALSE(usage_record(cri_v1::ContainerStats(draft.root())));
  stats.edit_cpu().set_timestamp(kStart * 1000);
  stats.edit_cpu().edit_usage_core_nano_seconds().set_value(5);
  stats.edit_memory().edit_working_set_bytes().set_value(100);
  stats.edit_memory().edit_usage_bytes().set_value(130);
  stats.edit_memory().edit_available_bytes().set_value(900);
  std::optional<UsageRecord> record = usage_record(cri_v1::ContainerStats(draft.root()));
  ASSERT_TRUE(record);
  EXPECT_EQ(record->container_id, "x");
  EXPECT_EQ(record->time, kStart);
  EXPECT_EQ(record->used.cpu_ns, 5);
  EXPECT_EQ(record->used.working_set_bytes(), 100);
  EXPECT_EQ(record->used.memory_limit_bytes, 1000);
}

TEST(MachineUsage, IsReadFromMeminfo) {
  os::CgroupUsage out;
  read_meminfo_usage("MemTotal: 100 kB\nMemFree: 40 kB\nInactive(file): 10 kB\nAnonPages: 5 kB\n",
                     out);
  EXPECT_EQ(out.memory_bytes, 60 * 1024);
  EXPECT_EQ(out.working_set_bytes(), 50 * 1024);
  EXPECT_EQ(out.rss_bytes, 5 * 1024);
}

constexpr std::string_view kNetDev =
    "Inter-|   Receive                                                |  Transmit\n"
    " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop "
    "fifo colls carrier compressed\n"
    "    lo: 100 1 0 0 0 0 0 0 100 1 0 0 0 0 0 0\n"
    "vethab12: 5 1 0 0 0 0 0 0 5 1 0 0 0 0 0 0\n"
    "  net1: 7 6 5 4 0 0 0 0 3 2 1 9 0 0 0 0\n"
    "  eth0:1000 10 1 2 0 0 0 0 2000 20 3 4 0 0 0 0\n"
    "broken: 1 2\n";

TEST(NetworkUsage, InterfacesOfTheTextOfNetDev) {
  std::vector<InterfaceUsage> all = interfaces_of(kNetDev);
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].name, "net1");
  EXPECT_EQ(all[1].rx_bytes, 1000);
  EXPECT_EQ(all[1].rx_dropped, 2);
  EXPECT_EQ(all[1].tx_packets, 20);
  EXPECT_EQ(all[1].tx_errors, 3);
  EXPECT_EQ(main_interface(all)->name, "eth0");
  all.pop_back();
  EXPECT_EQ(main_interface(all)->name, "net1");
  EXPECT_EQ(main_interface({}), nullptr);
  EXPECT_TRUE(interfaces_of("").empty());
}

TEST(CadvisorMetrics, NamesAndLabels) {
  NodeUsage usage = one_pod(kStart, 1'500'000'000);
  usage.pods[0].network = interfaces_of(kNetDev);
  usage.pods[0].containers[0].image = "busybox";
  usage.pods[0].containers[0].sample->used.oom_kills = 2;
  usage.pods[0].containers[0].sample->used.devices = {{"8:0", 10, 20, 3, 4}};
  usage.fs = FsUsage{.available = 60, .capacity = 100, .used = 40, .inodes_free = 7, .inodes = 9};
  usage.fs_device = "/dev/sda1";
  usage.cpus = 4;
  std::string text = cadvisor_metrics_text(usage);
  const std::string container =
      "{container=\"c\",id=\"/kubepods/podu/id\",image=\"busybox\",name=\"id\","
      "namespace=\"default\",pod=\"p\"";
  for (const std::string& line :
       {"container_cpu_usage_seconds_total" + container + ",cpu=\"total\"} 1.5 1700000000000\n",
        "container_memory_working_set_bytes" + container + "} 4000 1700000000000\n",
        "container_oom_events_total" + container + "} 2 1700000000000\n",
        std::string("container_memory_usage_bytes{container=\"\",id=\"/\",image=\"\",name=\"\","
                    "namespace=\"\",pod=\"\"} 5000 1700000000000\n"),
        std::string("container_network_transmit_bytes_total{container=\"\",id=\"/kubepods/podu\","
                    "image=\"\",name=\"\",namespace=\"default\",pod=\"p\",interface=\"eth0\"} "
                    "2000 1700000000000\n"),
        "container_fs_reads_bytes_total" + container + ",device=\"8:0\"} 10 1700000000000\n",
        "container_fs_writes_total" + container + ",device=\"8:0\"} 4 1700000000000\n",
        std::string("container_fs_limit_bytes{container=\"\",id=\"/\",image=\"\",name=\"\","
                    "namespace=\"\",pod=\"\",device=\"/dev/sda1\"} 100 1700000000000\n"),
        std::string("\nmachine_cpu_cores 4\n"), std::string("\ncontainer_scrape_error 0\n")}) {
    EXPECT_NE(text.find(line), std::string::npos) << line;
  }
  EXPECT_EQ(text.find("cfs_throttled_seconds_total{"), std::string::npos) << "no limit, no periods";
  EXPECT_EQ(text.find("id2"), std::string::npos) << "what wasn't read isn't told";
}

TEST(CadvisorMetrics, AFailureIsTold) {
  std::string text = cadvisor_metrics_text(ApiStatus::internal("no groups"));
  EXPECT_EQ(text.find("container_scrape_error 1\n") != std::string::npos, true);
  EXPECT_EQ(text.find("container_cpu"), std::string::npos);
}

TEST(Summary, NetworkAndProcesses) {
  NodeUsage usage = one_pod(kStart, 0);
  usage.pods[0].network = interfaces_of(kNetDev);
  usage.pods[0].processes = 3;
  std::string json = summary_json(usage, false);
  EXPECT_NE(json.find("\"network\":{\"time\":\"2023-11-14T22:13:20Z\",\"name\":\"eth0\","
                      "\"rxBytes\":1000,\"rxErrors\":1,\"txBytes\":2000,\"txErrors\":3,"
                      "\"interfaces\":[{\"name\":\"net1\""),
            std::string::npos)
      << json;
  EXPECT_NE(json.find("\"process_stats\":{\"process_count\":3}"), std::string::npos) << json;
  EXPECT_EQ(summary_json(usage, true).find("network"), std::string::npos);
}

}  // namespace
}  // namespace tiphys::kubelet
