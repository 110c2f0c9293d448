// The channels of v5.channel.k8s.io (KEP-4006): what a client's messages say, and what the runtime
// says on its error stream. Pure.
// Upstream: apimachinery/pkg/util/httpstream/wsstream, client-go/tools/remotecommand (v4).
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "base/status.h"
#include "net/websocket.h"
#include "object/object.h"

namespace tiphys::apiserver {

inline constexpr std::string_view kChannelProtocol = "v5.channel.k8s.io";
inline constexpr uint8_t kStdin = 0;
inline constexpr uint8_t kStdout = 1;
inline constexpr uint8_t kStderr = 2;
inline constexpr uint8_t kError = 3;
inline constexpr uint8_t kResize = 4;
inline constexpr uint8_t kCloseChannel = 255;
inline constexpr size_t kMaxResizeBytes = 1024;  // one message

struct ChannelPiece {
  uint8_t channel = 0;
  bool closes = false;  // the client says no more on it
  bool last = false;    // the message ends with this
  std::string bytes;
};

// Splits messages by their first byte, as they come.
class ChannelReader {
 public:
  // nullopt: nothing to act on. Error: BadRequest of a close signal that names no channel.
  Result<std::optional<ChannelPiece>> take(net::WebSocketPiece piece);

 private:
  std::optional<uint8_t> channel_;  // of the message
  std::string close_;               // which channels the message closes, so far
};

// A message for the client.
std::string channel_message(uint8_t channel, std::string_view bytes);
// '{"Width":80,"Height":24}' and a line's end, made of a client's message; nullopt if it says
// something else.
std::optional<std::string> terminal_size(std::string_view json);

// How a command ended: what the runtime wrote to its error stream, as upstream's translator tells
// it to the client.
struct Ending {
  ObjectPtr status;  // metav1.Status
  int code = 200;    // for the metrics
};
Ending ending_of(std::string_view error_stream);
// A failure to run it: upstream's InternalError.
Ending ending_of(const ApiStatus& failure);

}  // namespace tiphys::apiserver
