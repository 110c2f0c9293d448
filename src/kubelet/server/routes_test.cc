#include "kubelet/server/routes.h"

#include <gtest/gtest.h>

namespace tiphys::kubelet {
namespace {

// The code and text of the refusal; "": there is none.
std::string refused(std::string_view path, std::string_view method = "GET",
                    const Options& options = {}, bool read_only = false) {
  Routed routed = route_of(path, method, options, read_only);
  if (!routed.refusal) return "";
  return std::to_string(routed.refusal->status) + " " + *routed.refusal->body;
}
Route found(std::string_view path, std::string_view method = "GET") {
  return route_of(path, method, {}, false).route;
}

TEST(Routes, each_path_has_its_handler) {
  EXPECT_EQ(found("/healthz/ping"), Route::kHealthz);
  EXPECT_EQ(found("/pods"), Route::kPods);
  EXPECT_EQ(found("/stats/summary"), Route::kSummary);
  EXPECT_EQ(found("/metrics/cadvisor"), Route::kMetrics);
  EXPECT_EQ(found("/run/ns/p/c", "POST"), Route::kStreaming);
  EXPECT_EQ(found("/exec/ns/p/uid/c"), Route::kStreaming);
  EXPECT_EQ(found("/portForward/ns/p", "POST"), Route::kStreaming);
  EXPECT_EQ(found("/containerLogs/ns/p/c"), Route::kContainerLogs);
  EXPECT_EQ(found("/runningpods/"), Route::kRunningPods);
  EXPECT_EQ(found("/logs/pods/a/b"), Route::kLogs);
  EXPECT_EQ(found("/debug/pprof/"), Route::kProfiles);
  EXPECT_EQ(found("/debug/flags/v", "PUT"), Route::kVerbosity);
  EXPECT_EQ(found("/configz"), Route::kConfigz);
  EXPECT_EQ(found("/checkpoint/ns/p/c", "POST"), Route::kCheckpoint);
  EXPECT_EQ(route_of("/exec/n%2Fs/p/c", "GET", {}, false).parts[1], "n/s");
}

TEST(Routes, what_is_not_there) {
  for (const char* path : {"/", "", "/nothing", "/podsx", "/debug", "/debug/flags", "/stats"}) {
    EXPECT_EQ(refused(path), "404 404 page not found\n") << path;
  }
  for (const char* path : {"/containerLogs/ns/p", "/containerLogs/ns/p/c/d", "/exec/ns/p",
                           "/portForward/ns", "/pods/x", "/runningpods/x", "/stats/summary/x"}) {
    EXPECT_EQ(refused(path), "404 404: Page Not Found") << path;
  }
}

TEST(Routes, methods) {
  for (const char* path : {"/pods", "/containerLogs/ns/p/c", "/runningpods", "/logs/x"}) {
    EXPECT_EQ(refused(path, "POST"), "405 405: Method Not Allowed") << path;
  }
  EXPECT_EQ(refused("/run/ns/p/c"), "405 405: Method Not Allowed");
  EXPECT_EQ(refused("/checkpoint/ns/p/c"), "405 405: Method Not Allowed");
  EXPECT_EQ(route_of("/exec/ns/p/c", "PUT", {}, false).refusal->headers.get("allow"), "GET, POST");
  EXPECT_EQ(refused("/metrics", "POST"), "");
}

TEST(Routes, without_debugging_handlers) {
  Options off;
  off.enable_debugging_handlers = false;
  for (const char* path : {"/run/ns/p/c", "/exec/x", "/attach", "/portForward/ns/p", "/logs/",
                           "/containerLogs/ns/p/c", "/runningpods/", "/debug/pprof/heap"}) {
    for (const char* method : {"GET", "POST", "PUT"}) {
      EXPECT_EQ(refused(path, method, off), "405 Debug endpoints are disabled.\n") << path;
      EXPECT_EQ(refused(path, method, {}, true), "405 Debug endpoints are disabled.\n") << path;
    }
  }
  for (const char* path : {"/configz", "/debug/flags/v", "/checkpoint/ns/p/c"}) {
    EXPECT_EQ(refused(path, "GET", off), "404 404 page not found\n") << path;
  }
  for (const char* path : {"/healthz", "/pods", "/stats/summary", "/metrics/probes"}) {
    EXPECT_EQ(refused(path, "GET", off), "") << path;
    EXPECT_EQ(refused(path, "GET", {}, true), "") << path;
  }
}

TEST(Routes, handlers_that_are_off_by_themselves) {
  Options off;
  off.enable_system_log_handler = false;
  off.enable_profiling_handler = false;
  off.enable_debug_flags_handler = false;
  EXPECT_EQ(refused("/logs/", "GET", off), "405 logs endpoint is disabled.\n");
  EXPECT_EQ(refused("/debug/pprof/", "GET", off), "405 profiling endpoint is disabled.\n");
  EXPECT_EQ(refused("/debug/flags/v", "PUT", off), "405 flags endpoint is disabled.\n");
}

}  // namespace
}  // namespace tiphys::kubelet
