#include "apiserver/handlers/continue_token.h"

#include "base/strings.h"
#include "codec/codec.h"

namespace tiphys::apiserver {
namespace {

ApiStatus invalid(std::string_view why) {
  return ApiStatus::bad_request("invalid continue token: continue key is not valid: " +
                                std::string(why));
}

bool is_base64url(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_';
}

// Where Go's decoder stops.
size_t bad_base64_at(std::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    if (!is_base64url(text[i])) return i;
  }
  return text.size();
}

// True if Go's path.Clean leaves "/KEY" as it is.
bool is_clean(std::string_view key) {
  if (key.starts_with('/')) key.remove_prefix(1);
  if (key.empty()) return true;
  for (std::string_view part : split(key, '/')) {
    if (part.empty() || part == "." || part == "..") return false;
  }
  return true;
}

}  // namespace

std::string encode_continue(const ContinueToken& token) {
  std::string json =
      "{\"v\":\"meta.k8s.io/v1\",\"rv\":" + std::to_string(token.revision) + ",\"start\":";
  codec::append_json_string(token.start, json);
  json += '}';
  return base64url_encode(json);
}

Result<ContinueToken> decode_continue(std::string_view text) {
  auto bytes = base64url_decode(text);
  if (!bytes) {
    return invalid("illegal base64 data at input byte " + std::to_string(bad_base64_at(text)));
  }
  Arena arena;
  auto any = codec::decode_json_any(*bytes, arena);
  if (!any) return invalid(any.error().message());
  if (any->type != ValueType::kMap) return invalid("not an object");
  const Node& members = *any->node;
  std::string version(members.find("v").as_text());
  if (version != "meta.k8s.io/v1") {
    return ApiStatus::bad_request(
        "invalid continue token: continue key is not valid: server does not recognize this "
        "encoded version " +
        version);
  }
  ContinueToken token;
  token.revision = members.find("rv").as_int();
  if (token.revision == 0) {
    return invalid("incorrect encoded start resourceVersion (version meta.k8s.io/v1)");
  }
  token.start = members.find("start").as_text();
  if (token.start.empty()) return invalid("encoded start key empty (version meta.k8s.io/v1)");
  if (!is_clean(token.start)) return invalid(token.start);
  if (token.start.starts_with('/')) token.start.erase(0, 1);
  return token;
}

}  // namespace tiphys::apiserver
