// Http2Client: one HTTP/2 connection of a Client, over nghttp2. Loop thread only. Internal to net/.
//
// A call's body chunks queue up to its flow-control window; pulling them opens the window again.
// A slow stream doesn't hold up the others: the connection's window is opened at once.
#pragma once
#include <nghttp2/nghttp2.h>

#include <deque>
#include <memory>
#include <unordered_map>

#include "async/epoll_loop.h"
#include "net/http.h"
#include "net/output.h"
#include "net/wire.h"

namespace tiphys::net {

class Http2Client;

inline constexpr size_t kMaxResponseHeaderBytes = 1024 * 1024;

// One request on a connection.
struct Http2Call {
  explicit Http2Call(Loop& loop) : head(loop), readable(loop) {}
  std::weak_ptr<Http2Client> connection;
  int32_t id = 0;
  Request request;
  std::string path;  // with query
  size_t sent = 0;   // of the body
  Response response;
  bool final_head = false;
  size_t header_bytes = 0;
  Headers trailers;
  std::deque<std::string> chunks;
  bool ended = false;
  bool refused = false;  // the server says that it did nothing: may be sent again
  std::optional<ApiStatus> error;
  Event head;      // the head is there, or the call ended
  Event readable;  // a chunk is there, or the call ended

  void end(std::optional<ApiStatus> why);
};

class Http2Client : public std::enable_shared_from_this<Http2Client> {
 public:
  Http2Client(EpollLoop& loop, BufferPool& buffers, Wire wire, std::string scheme);
  ~Http2Client();
  void start();
  // Sends the call. False if the connection takes no more (draining, closed, too many streams).
  bool submit(const std::shared_ptr<Http2Call>& call);
  void cancel(Http2Call& call);
  // The user took a chunk of the call.
  void consumed(Http2Call& call, size_t bytes);
  bool usable() const;
  bool idle() const { return calls_.empty(); }
  void close(const ApiStatus& why);

 private:
  friend struct Http2ClientCallbacks;
  void on_ready();
  void read_input();
  void flush();
  void flush_soon();
  // False: too many header bytes.
  bool on_header(Http2Call& call, std::string_view name, std::string_view value);
  void on_headers_end(Http2Call& call);
  void on_data(Http2Call& call, std::string_view bytes);
  void on_stream_close(int32_t id, uint32_t error_code);
  ssize_t provide(Http2Call& call, size_t length, uint32_t* flags);
  int send_data(Http2Call& call, const uint8_t* frame_head, size_t length);
  Http2Call* find(int32_t id) const;

  EpollLoop& loop_;
  Wire wire_;
  Output output_;
  std::string scheme_;
  nghttp2_session* session_ = nullptr;
  std::unordered_map<int32_t, std::shared_ptr<Http2Call>> calls_;
  bool closed_ = false;
  bool draining_ = false;
  bool flush_posted_ = false;
};

}  // namespace tiphys::net
