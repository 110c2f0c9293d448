// What requests for another protocol have in common. Pure.
#pragma once
#include <string>
#include <string_view>

#include "net/http.h"

namespace tiphys::net {

// True if the request asks to switch protocols (Connection: Upgrade).
bool is_upgrade_request(const Headers& headers);
// A Sec-WebSocket-Protocol without what carries a browser's bearer token.
std::string without_token(std::string_view protocols);

}  // namespace tiphys::net
