// What nghttp2 calls on a server's session: each call finds the server and its stream, no more.
// Internal to net/.
#pragma once
#include <nghttp2/nghttp2.h>

namespace tiphys::net {

class Http2Server;

// A session that calls `server`, which must outlive it. The caller's to delete.
nghttp2_session* make_server_session(Http2Server* server);
// Reads a stream's answer; its nghttp2_data_source is the Http2Stream.
ssize_t provide_answer(nghttp2_session* session, int32_t id, uint8_t* buffer, size_t length,
                       uint32_t* flags, nghttp2_data_source* source, void* server);

}  // namespace tiphys::net
