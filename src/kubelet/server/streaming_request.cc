#include "kubelet/server/streaming_request.h"

#include "base/strings.h"
#include "net/socket.h"
#include "net/websocket.h"

namespace tiphys::kubelet {
namespace {

using Kind = StreamingRequest::Kind;

std::vector<std::string> query_values(std::string_view query, std::string_view name) {
  std::vector<std::string> out;
  for (std::string_view pair : split(query, '&')) {
    size_t mark = pair.find('=');
    std::optional<std::string> key = percent_decode(pair.substr(0, mark), true);
    if (!key || *key != name) continue;
    std::string_view value = mark == std::string_view::npos ? "" : pair.substr(mark + 1);
    if (std::optional<std::string> plain = percent_decode(value, true)) out.push_back(*plain);
  }
  return out;
}

std::string first_value(std::string_view query, std::string_view name) {
  std::vector<std::string> values = query_values(query, name);
  return values.empty() ? "" : values.front();
}

Result<StreamFlags> stream_flags(std::string_view query) {
  StreamFlags out;
  out.stdin_stream = first_value(query, "input") == "1";
  out.stdout_stream = first_value(query, "output") == "1";
  out.stderr_stream = first_value(query, "error") == "1";
  out.tty = first_value(query, "tty") == "1";
  if (out.tty) out.stderr_stream = false;  // a terminal has one output
  if (!out.stdin_stream && !out.stdout_stream && !out.stderr_stream) {
    return ApiStatus::bad_request("you must specify at least 1 of stdin, stdout, stderr");
  }
  return out;
}

Result<void> add_ports(const std::string& given, std::vector<int32_t>& ports) {
  if (given.empty()) return ApiStatus::bad_request("query parameter \"port\" cannot be empty");
  for (std::string_view text : split(given, ',')) {
    std::optional<uint64_t> port = parse_uint(text);
    std::string_view why = !port                                          ? "invalid syntax"
                           : *port > std::numeric_limits<uint16_t>::max() ? "value out of range"
                                                                          : "";
    if (!why.empty()) {
      return ApiStatus::bad_request("unable to parse " + go_quote(given) +
                                    " as a port: strconv.ParseUint: parsing " + go_quote(text) +
                                    ": " + std::string(why));
    }
    if (*port < 1) return ApiStatus::bad_request("port " + go_quote(given) + " must be > 0");
    ports.push_back(static_cast<int32_t>(*port));
  }
  return {};
}

}  // namespace

std::optional<StreamingRequest> streaming_path(const std::vector<std::string>& segments) {
  struct Row {
    std::string_view first;
    Kind kind;
    size_t shortest;  // one more: with the pod's uid
  };
  static constexpr Row kRows[] = {{"exec", Kind::kExec, 4},
                                  {"attach", Kind::kAttach, 4},
                                  {"run", Kind::kRun, 4},
                                  {"portForward", Kind::kPortForward, 3}};
  for (const Row& row : kRows) {
    if (segments.empty() || segments[0] != row.first) continue;
    size_t size = segments.size();
    if (size != row.shortest && size != row.shortest + 1) return std::nullopt;
    StreamingRequest out;
    out.kind = row.kind;
    out.ns = segments[1];
    out.pod = segments[2];
    if (size > row.shortest) out.uid = segments[3];
    if (row.kind != Kind::kPortForward) out.container = segments.back();
    return out;
  }
  return std::nullopt;
}

Result<void> add_streaming_options(const net::Request& request, StreamingRequest& what) {
  switch (what.kind) {
    case Kind::kExec:
    case Kind::kAttach: {
      TIPHYS_TRY(StreamFlags, flags, stream_flags(request.query));
      what.streams = flags;
      what.command = query_values(request.query, "command");
      return {};
    }
    case Kind::kRun: {
      std::string words = first_value(request.query, "cmd");
      for (std::string_view word : split(words, ' ')) what.command.emplace_back(word);
      return {};
    }
    case Kind::kPortForward: {
      if (!net::is_websocket_request(request.headers)) return {};
      std::vector<std::string> values = query_values(request.query, "port");
      if (values.empty()) return ApiStatus::bad_request("query parameter \"port\" is required");
      for (const std::string& value : values) {
        if (Result<void> added = add_ports(value, what.ports); !added) return added;
      }
      return {};
    }
  }
  return {};
}

Result<StreamingPlace> streaming_place(std::string_view url) {
  ApiStatus bad = ApiStatus::internal("the runtime's streaming URL is not usable: " +
                                      go_quote(url.substr(0, url.rfind('/'))));
  std::optional<std::string_view> rest = cut_prefix(url, "http://");
  if (!rest) return bad;
  size_t slash = rest->find('/');
  if (slash == std::string_view::npos) return bad;
  StreamingPlace out;
  out.address = rest->substr(0, slash);
  Result<net::HostPort> place = net::split_host_port(out.address);
  std::optional<uint64_t> port = place ? parse_uint(place->port) : std::nullopt;
  if (!port || *port == 0 || *port > std::numeric_limits<uint16_t>::max()) return bad;
  if (place->host.empty() || !net::numeric_address(place->host, 0)) return bad;
  std::string_view target = rest->substr(slash);
  size_t mark = target.find('?');
  out.path = target.substr(0, mark);
  if (mark != std::string_view::npos) out.query = target.substr(mark + 1);
  return out;
}

}  // namespace tiphys::kubelet
