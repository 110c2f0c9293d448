#include "kubelet/server/streaming_request.h"

#include <gtest/gtest.h>

namespace tiphys::kubelet {
namespace {

using Kind = StreamingRequest::Kind;

TEST(StreamingPath, with_and_without_the_pods_uid) {
  auto exec = *streaming_path({"exec", "ns", "p", "c"});
  EXPECT_EQ(exec.kind, Kind::kExec);
  EXPECT_EQ(exec.ns + "/" + exec.pod + "/" + exec.uid + "/" + exec.container, "ns/p//c");
  auto attach = *streaming_path({"attach", "ns", "p", "u", "c"});
  EXPECT_EQ(attach.kind, Kind::kAttach);
  EXPECT_EQ(attach.uid + "/" + attach.container, "u/c");
  EXPECT_EQ(streaming_path({"run", "ns", "p", "c"})->kind, Kind::kRun);
  auto ports = *streaming_path({"portForward", "ns", "p", "u"});
  EXPECT_EQ(ports.kind, Kind::kPortForward);
  EXPECT_EQ(ports.uid + "/" + ports.container, "u/");
  EXPECT_FALSE(streaming_path({}));
  EXPECT_FALSE(streaming_path({"exec", "ns", "p"}));
  EXPECT_FALSE(streaming_path({"exec", "ns", "p", "u", "c", "x"}));
  EXPECT_FALSE(streaming_path({"portForward", "ns"}));
  EXPECT_FALSE(streaming_path({"execute", "ns", "p", "c"}));
}

// "in out err tty | command ..." or what is wrong.
std::string options_of(std::string_view first, std::string query, bool websocket = false) {
  net::Request request;
  request.query = std::move(query);
  if (websocket) {
    request.headers.set("connection", "Upgrade");
    request.headers.set("upgrade", "websocket");
  }
  auto what = *streaming_path({std::string(first), "ns", "p", "c"});
  Result<void> added = add_streaming_options(request, what);
  if (!added) return added.error().message();
  std::string out;
  if (what.streams.stdin_stream) out += "in ";
  if (what.streams.stdout_stream) out += "out ";
  if (what.streams.stderr_stream) out += "err ";
  if (what.streams.tty) out += "tty ";
  for (const std::string& word : what.command) out += "|" + word;
  for (int32_t port : what.ports) out += std::to_string(port) + " ";
  return out;
}

TEST(StreamingOptions, streams_and_words) {
  EXPECT_EQ(options_of("exec", "input=1&output=1&error=1&command=a+b&command=%26&command="),
            "in out err |a b|&|");
  EXPECT_EQ(options_of("attach", "output=1&error=1&tty=1"), "out tty ");
  EXPECT_EQ(options_of("exec", "output=true&command=x"),
            "you must specify at least 1 of stdin, stdout, stderr");
  EXPECT_EQ(options_of("exec", "error=1&tty=1"),
            "you must specify at least 1 of stdin, stdout, stderr");
  EXPECT_EQ(options_of("run", "cmd=ls%20-l%20/"), "|ls|-l|/");
}

TEST(StreamingOptions, ports_are_in_the_query_of_websockets_only) {
  EXPECT_EQ(options_of("portForward", "port=80"), "");
  EXPECT_EQ(options_of("portForward", "port=80,81&port=65535", true), "80 81 65535 ");
  EXPECT_EQ(options_of("portForward", "", true), "query parameter \"port\" is required");
  EXPECT_EQ(options_of("portForward", "port=", true), "query parameter \"port\" cannot be empty");
  EXPECT_EQ(options_of("portForward", "port=0", true), "port \"0\" must be > 0");
  EXPECT_EQ(
      options_of("portForward", "port=80,65536", true),
      "unable to parse \"80,65536\" as a port: strconv.ParseUint: parsing \"65536\": value out "
      "of range");
  EXPECT_EQ(options_of("portForward", "port=x", true),
            "unable to parse \"x\" as a port: strconv.ParseUint: parsing \"x\": invalid syntax");
}

TEST(StreamingPlace, plain_http_to_an_address) {
  auto place = *streaming_place("http://127.0.0.1:40123/exec/toKen_1");
  EXPECT_EQ(place.address, "127.0.0.1:40123");
  EXPECT_EQ(place.path, "/exec/toKen_1");
  EXPECT_EQ(streaming_place("http://[::1]:1/a?b=c")->query, "b=c");
  for (const char* bad :
       {"", "/exec/t", "https://127.0.0.1:1/t", "http://127.0.0.1/t", "http://localhost:80/t",
        "http://127.0.0.1:0/t", "http://127.0.0.1:65536/t", "http://:80/t", "http://127.0.0.1:80",
        "unix:///run/x.sock"}) {
    EXPECT_FALSE(streaming_place(bad)) << bad;
  }
  // The token isn't told.
  EXPECT_EQ(streaming_place("https://h:1/exec/secret").error().message().find("secret"),
            std::string::npos);
}

}  // namespace
}  // namespace tiphys::kubelet
