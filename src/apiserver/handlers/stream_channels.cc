#include "apiserver/handlers/stream_channels.h"

#include "base/strings.h"
#include "codec/codec.h"
#include "kinds/meta_v1.h"

namespace tiphys::apiserver {
namespace {

constexpr int64_t kMaxTerminalCells = 65535;  // uint16 upstream
constexpr uint64_t kMaxExitCode = 255;
constexpr std::string_view kNonZeroExitCode = "NonZeroExitCode";
constexpr std::string_view kExitCode = "ExitCode";

Ending success() {
  Draft draft = meta_v1::Status::make();
  meta_v1::StatusEdit(draft).set_status("Success");
  return {draft.freeze(), 200};
}

Ending failed_command(uint64_t code) {
  std::string number = std::to_string(code);
  Draft draft = meta_v1::Status::make();
  meta_v1::StatusEdit status(draft);
  status.set_status("Failure");
  status.set_reason(kNonZeroExitCode);
  status.set_message(
      "command terminated with non-zero exit code: command terminated with exit code " + number);
  auto cause = status.edit_details().edit_causes().append();
  cause.set_reason(kExitCode);
  cause.set_message(number);
  return {draft.freeze(), 200};
}

Ending protocol_error(const std::string& what) {
  return ending_of(ApiStatus::internal("error stream protocol error: " + what));
}

Ending exit_of(meta_v1::Status status) {
  if (!status.has_details()) return protocol_error("details must be set");
  for (meta_v1::StatusCause cause : status.details().causes()) {
    if (cause.reason() != kExitCode) continue;
    std::optional<uint64_t> code = parse_uint(cause.message());
    if (code && *code <= kMaxExitCode) return failed_command(*code);
    return protocol_error("invalid exit code value " + go_quote(cause.message()));
  }
  return protocol_error("no " + std::string(kExitCode) + " cause given");
}

}  // namespace

Result<std::optional<ChannelPiece>> ChannelReader::take(net::WebSocketPiece piece) {
  if (piece.first) {
    channel_.reset();
    close_.clear();
  }
  if (piece.bytes.empty() && !piece.last) return std::nullopt;
  if (!channel_) {
    if (piece.bytes.empty()) return std::nullopt;
    channel_ = static_cast<uint8_t>(piece.bytes.front());
    piece.bytes.erase(0, 1);
  }
  if (*channel_ != kCloseChannel) {
    return ChannelPiece{*channel_, false, piece.last, std::move(piece.bytes)};
  }
  close_ += piece.bytes.substr(0, 2);
  bool named = close_.size() == 1 && static_cast<uint8_t>(close_[0]) <= kResize;
  if (piece.last ? !named : close_.size() > 1) {
    return ApiStatus::bad_request("a close signal names one channel");
  }
  if (!piece.last) return std::nullopt;
  return ChannelPiece{static_cast<uint8_t>(close_[0]), true, true, ""};
}

std::string channel_message(uint8_t channel, std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size() + 1);
  out += static_cast<char>(channel);
  out += bytes;
  return out;
}

std::optional<std::string> terminal_size(std::string_view json) {
  Arena arena;
  Result<Value> value = codec::decode_json_any(json, arena);
  if (!value || value->type != ValueType::kMap) return std::nullopt;
  std::string out;
  for (std::string_view name : {"Width", "Height"}) {
    int64_t cells = value->as_node().find(name).as_int();
    if (cells < 0 || cells > kMaxTerminalCells) return std::nullopt;
    out.append(out.empty() ? "{" : ",").append(go_quote(name)).append(":");
    out += std::to_string(cells);
  }
  return out + "}\n";
}

Ending ending_of(const ApiStatus& failure) {
  constexpr int kInternalError = 500;
  Draft draft = meta_v1::Status::make();
  meta_v1::StatusEdit status(draft);
  status.set_status("Failure");
  status.set_message("Internal error occurred: " + failure.message());
  status.set_reason("InternalError");
  status.set_code(kInternalError);
  status.edit_details().edit_causes().append().set_message(failure.message());
  return {draft.freeze(), kInternalError};
}

Ending ending_of(std::string_view error_stream) {
  if (error_stream.empty()) {
    return ending_of(ApiStatus::internal("error reading from error stream: unexpected EOF"));
  }
  Arena arena;
  Result<Node*> root =
      codec::decode_json(error_stream, meta_v1::Status::message_type(), arena, nullptr);
  if (!root) return protocol_error(root.error().message() + " in " + go_quote(error_stream));
  meta_v1::Status status(**root);
  if (status.status() == "Success") return success();
  if (status.status() != "Failure") return protocol_error("unknown error");
  if (status.reason() == kNonZeroExitCode) return exit_of(status);
  return ending_of(ApiStatus::internal(status.message()));
}

}  // namespace tiphys::apiserver
