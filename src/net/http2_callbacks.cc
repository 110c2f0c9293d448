#include "net/http2_callbacks.h"

#include "net/http2_fields.h"
#include "net/http2_server.h"

namespace tiphys::net {
namespace {

constexpr size_t kMaxSentHeaderBytes = 256 * 1024;

}  // namespace

struct Http2Callbacks {
  static Http2Server& server(void* user) { return *static_cast<Http2Server*>(user); }

  static int begin_frame(nghttp2_session*, const nghttp2_frame_hd* head, void* user) {
    if (head->type != NGHTTP2_CONTINUATION) server(user).in_head_ = false;
    return 0;
  }
  static int begin_headers(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    return server(user).on_begin_headers(*frame);
  }
  static int header(nghttp2_session*, const nghttp2_frame* frame, const uint8_t* name,
                    size_t name_size, const uint8_t* value, size_t value_size, uint8_t,
                    void* user) {
    Http2Stream* stream = server(user).find(frame->hd.stream_id);
    // Trailers of a request are dropped.
    if (!stream || frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
    server(user).on_header(*stream, bytes_view(name, name_size), bytes_view(value, value_size));
    return 0;
  }
  // nghttp2 would drop the field and go on; a request with one is refused as a whole.
  static int invalid_header(nghttp2_session*, const nghttp2_frame*, const uint8_t*, size_t,
                            const uint8_t*, size_t, uint8_t, void* user) {
    server(user).charge(kBadHeadCost);
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  }
  static int frame_recv(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    server(user).on_frame(*frame);
    return 0;
  }
  // The stream's window is opened as its body is taken.
  static int data_chunk(nghttp2_session* session, uint8_t, int32_t id, const uint8_t* data,
                        size_t size, void* user) {
    nghttp2_session_consume_connection(session, size);
    if (Http2Stream* stream = server(user).find(id)) {
      server(user).on_data(*stream, bytes_view(data, size));
    }
    return 0;
  }
  static int frame_sent(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    server(user).on_sent(*frame);
    return 0;
  }
  static int stream_close(nghttp2_session*, int32_t id, uint32_t, void* user) {
    if (Http2Stream* stream = server(user).find(id)) server(user).on_stream_close(*stream);
    return 0;
  }
  static ssize_t provide(nghttp2_session*, int32_t, uint8_t*, size_t length, uint32_t* flags,
                         nghttp2_data_source* source, void* user) {
    return server(user).provide(*static_cast<Http2Stream*>(source->ptr), length, flags);
  }
  static int send_data(nghttp2_session*, nghttp2_frame*, const uint8_t* head, size_t length,
                       nghttp2_data_source* source, void* user) {
    return server(user).send_data(*static_cast<Http2Stream*>(source->ptr), head, length);
  }
};

nghttp2_session* make_server_session(Http2Server* server) {
  nghttp2_session_callbacks* callbacks = nullptr;
  nghttp2_session_callbacks_new(&callbacks);
  nghttp2_session_callbacks_set_on_begin_frame_callback(callbacks, Http2Callbacks::begin_frame);
  nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, Http2Callbacks::begin_headers);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, Http2Callbacks::header);
  nghttp2_session_callbacks_set_on_invalid_header_callback(callbacks,
                                                           Http2Callbacks::invalid_header);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, Http2Callbacks::frame_recv);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, Http2Callbacks::data_chunk);
  nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, Http2Callbacks::frame_sent);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, Http2Callbacks::stream_close);
  nghttp2_session_callbacks_set_send_data_callback(callbacks, Http2Callbacks::send_data);
  nghttp2_option* option = nullptr;
  nghttp2_option_new(&option);
  nghttp2_option_set_no_closed_streams(option, 1);
  nghttp2_option_set_no_auto_window_update(option, 1);
  nghttp2_option_set_max_send_header_block_length(option, kMaxSentHeaderBytes);
  nghttp2_session* session = nullptr;
  nghttp2_session_server_new2(&session, callbacks, server, option);
  nghttp2_option_del(option);
  nghttp2_session_callbacks_del(callbacks);
  return session;
}

ssize_t provide_answer(nghttp2_session* session, int32_t id, uint8_t* buffer, size_t length,
                       uint32_t* flags, nghttp2_data_source* source, void* server) {
  return Http2Callbacks::provide(session, id, buffer, length, flags, source, server);
}

}  // namespace tiphys::net
