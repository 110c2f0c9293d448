#include "net/http1_upload.h"

#include "base/strings.h"

namespace tiphys::net {
namespace {

std::string chunk_text(std::string_view data) {
  char size[24];
  int n = std::snprintf(size, sizeof size, "%zx\r\n", data.size());
  return std::string(size, static_cast<size_t>(n)).append(data).append("\r\n");
}

}  // namespace

std::shared_ptr<Http1Upload> Http1Upload::start(WireStream& connection,
                                                std::shared_ptr<BodyStream> body, bool chunked,
                                                StopToken stop) {
  std::shared_ptr<Http1Upload> upload(new Http1Upload(connection, chunked, stop));
  spawn(run(upload, std::move(body)));
  return upload;
}

Task<void> Http1Upload::run(std::shared_ptr<Http1Upload> upload, std::shared_ptr<BodyStream> body) {
  while (true) {
    Result<Bytes> chunk = co_await body->next(upload->stop_.token());
    if (!upload->connection_) co_return;
    if (!chunk) co_return upload->fail(chunk.error());
    bool last = !*chunk;
    if (last && !upload->chunked_) break;
    std::string text = last               ? "0\r\n\r\n"
                       : upload->chunked_ ? chunk_text(**chunk)
                                          : std::string(**chunk);
    Result<void> written =
        co_await upload->connection_->write(std::move(text), upload->stop_.token());
    if (!upload->connection_) co_return;
    // A server that refuses may have answered before it took all: the answer is read all the same.
    if (!written) co_return;
    if (last) break;
  }
  upload->done_ = true;
}

void Http1Upload::fail(std::optional<ApiStatus> why) {
  error_ = std::move(why);
  connection_->close();
}

void Http1Upload::abandon() {
  connection_ = nullptr;
  stop_.request_stop();
}

}  // namespace tiphys::net
