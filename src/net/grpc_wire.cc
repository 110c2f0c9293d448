#include "net/grpc_wire.h"

#include <array>

#include "base/strings.h"

namespace tiphys::net {

namespace {

constexpr size_t kHeadBytes = 5;
constexpr size_t kCompactBytes = 64 * 1024;

struct Code {
  std::string_view name;
  int http;
};
constexpr std::array<Code, 17> kCodes = {{{"OK", 200},
                                          {"Canceled", 499},
                                          {"Unknown", 500},
                                          {"InvalidArgument", 400},
                                          {"DeadlineExceeded", 504},
                                          {"NotFound", 404},
                                          {"AlreadyExists", 409},
                                          {"PermissionDenied", 403},
                                          {"ResourceExhausted", 429},
                                          {"FailedPrecondition", 400},
                                          {"Aborted", 409},
                                          {"OutOfRange", 400},
                                          {"Unimplemented", 501},
                                          {"Internal", 500},
                                          {"Unavailable", 503},
                                          {"DataLoss", 500},
                                          {"Unauthenticated", 401}}};

}  // namespace

std::string frame_grpc(std::string_view message) {
  std::string framed(kHeadBytes, '\0');
  auto size = static_cast<uint32_t>(message.size());
  for (int i = 0; i < 4; ++i) framed[1 + i] = static_cast<char>(size >> (24 - 8 * i));
  return framed.append(message);
}

Result<std::optional<std::string>> GrpcDeframer::next() {
  std::string_view rest = std::string_view(buffer_).substr(used_);
  if (rest.size() < kHeadBytes) return std::optional<std::string>();
  uint32_t size = 0;
  for (int i = 1; i < 5; ++i) size = size << 8 | static_cast<unsigned char>(rest[i]);
  if (rest[0] != 0) return grpc_error(13, "grpc: compressed message without grpc-encoding");
  if (size > kMaxGrpcMessageBytes) return grpc_error(8, "grpc: received message larger than max");
  if (rest.size() - kHeadBytes < size) return std::optional<std::string>();
  std::string message(rest.substr(kHeadBytes, size));
  used_ += kHeadBytes + size;
  if (used_ == buffer_.size() || used_ > kCompactBytes) {
    buffer_.erase(0, used_);
    used_ = 0;
  }
  return std::optional<std::string>(std::move(message));
}

ApiStatus grpc_error(int code, std::string_view message) {
  const Code& found = kCodes[code >= 0 && code < static_cast<int>(kCodes.size()) ? code : 2];
  return ApiStatus(found.http, found.name, message);
}

std::optional<ApiStatus> grpc_status(const Headers& fields, const ApiStatus& fallback) {
  auto code = parse_uint(fields.get("grpc-status"));
  if (!code) return fallback;
  if (*code == 0) return std::nullopt;
  std::string_view raw = fields.get("grpc-message");
  auto message = percent_decode(raw, false);
  return grpc_error(static_cast<int>(std::min<uint64_t>(*code, 99)),
                    message ? *message : std::string(raw));
}

std::string grpc_timeout(Duration timeout) {
  // At most eight digits.
  auto micros = std::chrono::ceil<std::chrono::microseconds>(timeout).count();
  if (micros < 100'000'000) return std::to_string(micros) + "u";
  auto millis = std::chrono::ceil<std::chrono::milliseconds>(timeout).count();
  if (millis < 100'000'000) return std::to_string(millis) + "m";
  return std::to_string(std::min<int64_t>(millis / 1000, 99'999'999)) + "S";
}

}  // namespace tiphys::net
