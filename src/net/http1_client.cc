#include "net/http1_client.h"

#include "base/strings.h"
#include "net/http1_body.h"

namespace tiphys::net {

namespace {

constexpr size_t kReadBytes = 64 * 1024;
constexpr size_t kMaxHeadBytes = 1024 * 1024;
constexpr int kMaxInterimHeads = 16;

std::string request_text(const Request& request, bool upgrade) {
  std::string out = request.method + " " + request.path;
  if (!request.query.empty()) out += "?" + request.query;
  out += " HTTP/1.1\r\n";
  append_header(out, "host", request.authority);
  for (const auto& [name, value] : request.headers.entries()) {
    bool ours = name == "host" || name == "content-length" || name == "transfer-encoding" ||
                (name == "connection" && !upgrade);
    if (!ours && is_safe_header(name, value)) append_header(out, name, value);
  }
  if (request.body_stream) {
    bool chunked = !request.headers.has("content-length");
    append_header(out, chunked ? "transfer-encoding" : "content-length",
                  chunked ? "chunked" : request.headers.get("content-length"));
    return out + "\r\n";
  }
  bool may_have_body = request.method != "GET" && request.method != "HEAD";
  if (may_have_body || !request.body.empty()) {
    append_header(out, "content-length", std::to_string(request.body.size()));
  }
  return out + "\r\n" + request.body;
}

ApiStatus unexpected_end() { return ApiStatus::service_unavailable("unexpected EOF"); }

Task<Result<ResponseHead>> read_head(Http1Connection* connection, std::string method,
                                     StopToken stop) {
  size_t searched = 0;
  while (true) {
    size_t end = find_response_head_end(connection->input, searched);
    if (end != std::string::npos) {
      auto head = parse_response_head(std::string_view(connection->input).substr(0, end), method);
      connection->input.erase(0, end);
      co_return head;
    }
    searched = connection->input.size();
    if (searched > kMaxHeadBytes) {
      co_return ApiStatus::service_unavailable("response header fields too large");
    }
    Result<std::string> more = co_await connection->stream->read(kReadBytes, stop);
    if (!more) co_return more.error();
    if (more->empty()) co_return unexpected_end();
    connection->answered = true;
    connection->input += *more;
  }
}

class Http1BodyStream : public BodyStream {
 public:
  Http1BodyStream(std::unique_ptr<Http1Connection> connection, const ResponseHead& head,
                  std::weak_ptr<Http1Idle> idle)
      : connection_(std::move(connection)),
        framing_(head.framing),
        keep_alive_(head.keep_alive),
        idle_(std::move(idle)) {
    if (framing_.done()) finish();
  }

  Task<Result<Bytes>> next(StopToken stop) override {
    std::string data;
    while (connection_ && data.empty()) {
      auto taken = framing_.take(connection_->input, data, kReadBytes);
      if (!taken) {
        connection_.reset();
        co_return taken.error();
      }
      connection_->input.erase(0, *taken);
      if (framing_.done()) finish();
      if (!connection_ || !data.empty()) break;
      Result<std::string> more = co_await connection_->stream->read(kReadBytes, stop);
      if (!more) co_return more.error();
      if (more->empty() && !framing_.finish()) co_return unexpected_end();
      if (more->empty()) finish();
      if (connection_) connection_->input += *more;
    }
    if (data.empty()) co_return Bytes();
    co_return std::make_shared<const std::string>(std::move(data));
  }

 private:
  void finish() {
    auto connection = std::move(connection_);
    auto idle = idle_.lock();
    bool sent = !connection->upload || connection->upload->done();
    if (keep_alive_ && sent && idle && connection->input.empty())
      idle->give_back(std::move(connection));
  }

  std::unique_ptr<Http1Connection> connection_;
  Http1Body framing_;
  bool keep_alive_;
  std::weak_ptr<Http1Idle> idle_;
};

}  // namespace

Task<Result<ResponseHead>> http1_exchange(Http1Connection* connection, Request* request,
                                          bool upgrade, StopToken stop) {
  connection->answered = false;
  Result<void> sent = co_await connection->stream->write(request_text(*request, upgrade), stop);
  // A server that refuses may have answered before it took all.
  if (!sent && sent.error().is_stopped()) co_return sent.error();
  connection->upload.reset();
  if (request->body_stream) {
    bool chunked = !request->headers.has("content-length");
    connection->upload =
        Http1Upload::start(*connection->stream, std::move(request->body_stream), chunked, stop);
  }
  for (int interim = 0; interim < kMaxInterimHeads; ++interim) {
    Result<ResponseHead> head = co_await read_head(connection, request->method, stop);
    bool broke_off = !head && connection->upload && connection->upload->error();
    if (broke_off) co_return *connection->upload->error();
    if (!head || head->status >= 200 || head->status == 101) co_return head;
  }
  co_return ApiStatus::service_unavailable("too many 1xx answers");
}

std::unique_ptr<BodyStream> http1_body(std::unique_ptr<Http1Connection> connection,
                                       const ResponseHead& head, std::weak_ptr<Http1Idle> idle) {
  return std::make_unique<Http1BodyStream>(std::move(connection), head, std::move(idle));
}

}  // namespace tiphys::net
