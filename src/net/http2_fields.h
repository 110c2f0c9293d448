// What both sides of HTTP/2 say to nghttp2 alike. Internal to net/.
#pragma once
#include <nghttp2/nghttp2.h>

#include <string_view>

namespace tiphys::net {

// Name and value must outlive the frame: they live in the stream, or are constants.
inline nghttp2_nv borrowed_field(std::string_view name, std::string_view value) {
  constexpr uint8_t kNoCopy = NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE;
  return {reinterpret_cast<uint8_t*>(const_cast<char*>(name.data())),
          reinterpret_cast<uint8_t*>(const_cast<char*>(value.data())), name.size(), value.size(),
          kNoCopy};
}

inline std::string_view bytes_view(const uint8_t* bytes, size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

// Fields of HTTP/1.1 connections; HTTP/2 has none of them (RFC 9113, 8.2.2). The length is ours.
inline bool is_connection_field(std::string_view name) {
  return name == "connection" || name == "transfer-encoding" || name == "keep-alive" ||
         name == "upgrade" || name == "proxy-connection" || name == "content-length";
}

}  // namespace tiphys::net
