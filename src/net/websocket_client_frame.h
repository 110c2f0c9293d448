// For tests: a frame as WebSocket clients send it.
#pragma once
#include <string>
#include <string_view>

#include "net/websocket.h"

namespace tiphys::net {

inline std::string client_frame(WebSocketOpcode opcode, std::string_view payload,
                                bool final = true) {
  constexpr std::string_view kMask = "\x11\x22\x33\x44";
  constexpr unsigned char kMasked = 0x80;
  std::string frame = websocket_frame(opcode, payload);
  size_t head = frame.size() - payload.size();
  if (!final) frame[0] = static_cast<char>(frame[0] & 0x7f);
  frame[1] = static_cast<char>(static_cast<unsigned char>(frame[1]) | kMasked);
  for (size_t i = 0; i < payload.size(); ++i) frame[head + i] ^= kMask[i % kMask.size()];
  return frame.insert(head, kMask);
}

}  // namespace tiphys::net
