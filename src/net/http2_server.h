// Http2Server: the server's side of an HTTP/2 connection over nghttp2. Loop thread only.
//
// Internal to net/. Bounds: streams (limits), handlers still running for streams that the client
// reset (the same limit), header bytes of one and of all streams, held bodies, GlitchBudget for
// floods.
#pragma once
#include <nghttp2/nghttp2.h>

#include <vector>

#include "net/exchange.h"
#include "net/glitch_budget.h"
#include "net/request_body.h"
#include "net/server_connection.h"

namespace tiphys::net {

inline constexpr int64_t kBadHeadCost = 20;  // glitches: reading it took us long

// An exchange as a stream of an HTTP/2 connection.
struct Http2Stream : public Exchange {
  using Exchange::Exchange;
  int32_t id = 0;
  size_t index = 0;  // in Http2Server::streams_
  size_t header_bytes = 0;
  size_t surplus_fields = 0;            // past the limits, dropped
  size_t held = 0;                      // of its head and body, in ServerCore's sum
  size_t held_head = 0;                 // in the connection's sum
  std::shared_ptr<RequestBody> upload;  // instead of a held body, while the handler runs
  MonoTime since{0};                    // the head, or the last piece of an upload
  bool open = true;                     // nghttp2 knows it
  bool receiving = true;                // the request isn't whole yet
  bool refused = false;                 // answered before it was whole
  bool ended = false;                   // no chunk comes after this one
  MonoTime progress_at{0};              // when data was last handed in or sent
  char status_text[8];
  char length_text[24];
};

class Http2Server : public ServerProtocol, public ResponseSink {
 public:
  explicit Http2Server(ServerConnection& connection);
  ~Http2Server() override;

  void on_input(std::string_view bytes) override;
  bool wants_input() const override { return !failing_; }
  void on_input_end() override { connection_.close(); }
  void on_flush() override;
  void on_closed() override;
  void begin_stop() override;
  void cancel_all() override;
  bool on_tick(MonoTime now) override;

  void respond(Exchange& exchange) override;
  void chunk_ready(Exchange& exchange) override;
  void stream_ended(Exchange& exchange, bool failed) override;
  void finished(Exchange& exchange) override;

 private:
  friend struct Http2Callbacks;
  int on_begin_headers(const nghttp2_frame& frame);
  bool hold_field(Http2Stream& stream, size_t bytes);
  void on_header(Http2Stream& stream, std::string_view name, std::string_view value);
  void on_frame(const nghttp2_frame& frame);
  void on_request_headers(Http2Stream& stream, bool end);
  void on_data(Http2Stream& stream, std::string_view bytes);
  void on_stream_close(Http2Stream& stream);
  void on_sent(const nghttp2_frame& frame);
  ssize_t provide(Http2Stream& stream, size_t length, uint32_t* flags);
  int send_data(Http2Stream& stream, const uint8_t* frame_head, size_t length);

  void end_body(Http2Stream& stream);
  void start_upload(Http2Stream& stream);
  void start_exchange(Http2Stream& stream);
  void stop_receiving(Http2Stream& stream);
  void refuse(Http2Stream& stream, int status, std::string_view why);
  void refuse_body(Http2Stream& stream);
  void cut_off(Http2Stream& stream);
  void submit(Http2Stream& stream);
  void submit_trailers(Http2Stream& stream, uint32_t* flags);
  void charge(int64_t cost = 1);
  void fail(uint32_t error_code);
  void release(Http2Stream& stream);
  void remove(Http2Stream& stream);
  bool fill_output();
  Http2Stream* find(int32_t id) const;

  ServerConnection& connection_;
  ServerCore& core_;
  nghttp2_session* session_ = nullptr;
  std::vector<std::shared_ptr<Http2Stream>> streams_;  // open or running
  std::vector<nghttp2_nv> fields_;                     // scratch
  size_t running_ = 0;
  size_t receiving_ = 0;
  size_t held_head_bytes_ = 0;
  size_t head_bytes_in_ = 0;  // input since a header block began and hasn't ended
  bool in_head_ = false;      // a header block that goes on in CONTINUATION frames
  MonoTime head_since_{0};
  bool failing_ = false;
  bool stopping_ = false;
  GlitchBudget budget_;
  MonoTime idle_since_;  // no stream open since
};

}  // namespace tiphys::net
