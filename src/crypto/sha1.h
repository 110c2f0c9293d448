// SHA-1, for the handshake of WebSockets (RFC 6455) and nothing else: it protects nothing. Pure.
#pragma once
#include <string>
#include <string_view>

namespace tiphys::crypto {

std::string sha1(std::string_view bytes);  // 20 raw bytes

}  // namespace tiphys::crypto
