#include "kubelet/server/streaming.h"

#include "kubelet/pods/test_objects.h"
#include "kubelet/server/test_runtime.h"

namespace tiphys::kubelet {
namespace {

using Kind = StreamingRequest::Kind;

constexpr const char* kFound = "500 Upgrade request required\n";  // all but that was fine

struct StreamingTest : testing::Test {
  std::string ask(Kind kind, std::string uid = "", std::string container = "c") {
    StreamingRequest what{.kind = kind, .ns = "default", .pod = "p", .uid = std::move(uid)};
    what.container = std::move(container);
    net::Request request = net::make_get("/");
    request.query = "output=1&port=80&cmd=x&command=x";
    net::Response answer = net::run_task(loop, streaming.answer(request, what));
    return std::to_string(answer.status) + " " + *answer.body;
  }

  EpollLoop loop;
  TestRuntime runtime{loop};
  Options options;
  ObjectPtr pod = pod_of(R"({"containers":[{"name":"c"}]})");
  Streaming streaming{
      loop, runtime.cri(),
      [this](const std::string&, const std::string& name) { return name == "p" ? pod : nullptr; },
      options};
};

// No worker has looked at its pod right after the kubelet's start.
TEST_F(StreamingTest, TheRuntimeSaysWhatRuns) {
  EXPECT_EQ(ask(Kind::kExec), kFound);
  EXPECT_EQ(ask(Kind::kAttach, "u"), kFound);
  EXPECT_EQ(ask(Kind::kPortForward), kFound);
  EXPECT_EQ(ask(Kind::kRun), "200 out");
}

TEST_F(StreamingTest, WhatDoesNotRunIsNotFound) {
  const std::string not_found = "500 container not found (\"c\")";
  EXPECT_EQ(ask(Kind::kExec, "other"), not_found);
  EXPECT_EQ(ask(Kind::kExec, "", "d"), "500 container not found (\"d\")");
  EXPECT_EQ(ask(Kind::kPortForward, "other"), "404 pod not found");
  runtime.state = ContainerState::kExited;
  EXPECT_EQ(ask(Kind::kExec), not_found);
  EXPECT_EQ(ask(Kind::kRun), not_found);
  EXPECT_EQ(ask(Kind::kAttach), "500 container c not found in pod p_default");
  runtime.ready = false;
  EXPECT_EQ(ask(Kind::kPortForward), "500 pod not found (\"p_default\")");
  runtime.broken = true;
  EXPECT_EQ(ask(Kind::kExec), "500 rpc error: code = Unavailable desc = away");
  pod = nullptr;
  EXPECT_EQ(ask(Kind::kExec), "404 pod does not exist");
}

}  // namespace
}  // namespace tiphys::kubelet
