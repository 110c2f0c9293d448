#include "apiserver/handlers/continue_token.h"

#include "base/strings.h"
#include "codec/codec.h"

namespace tiphys::apiserver {
namespace {

ApiStatus invalid(std::string_view why) {
  return ApiStatus::bad_request("invalid continue token: continue key is not valid: " +
                                std::string(why));
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
  if (!bytes) return invalid("illegal base64 data at input byte 0");
  Arena arena;
  auto any = codec::decode_json_any(*bytes, arena);
  if (!any) return invalid(any.error().message());
  if (any->type != ValueType::kMap) return invalid("not an object");
  const Node& members = *any->node;
  if (members.find("v").as_text() != "meta.k8s.io/v1") {
    return invalid("server does not recognize this encoded version " +
                   go_quote(members.find("v").as_text()));
  }
  ContinueToken token;
  token.revision = members.find("rv").as_int();
  if (token.revision == 0)
    return invalid("incorrect encoded start resourceVersion (version meta.k8s.io/v1)");
  token.start = members.find("start").as_text();
  if (token.start.empty()) return invalid("encoded start key empty (version meta.k8s.io/v1)");
  for (std::string_view part : split(token.start, '/')) {
    if (part == "..") return invalid(go_quote(token.start));
  }
  return token;
}

}  // namespace tiphys::apiserver
