// URLs as Go's net/url.Parse reads them and words its complaints (Go 1.25), for the fields that
// upstream gives to it. What stands in brackets of a host is not looked at. Pure.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace tiphys::apiserver {

struct GoUrl {
  std::string scheme;               // in lower case
  std::optional<std::string> user;  // "name" or "name:password", escaped as URL.User.String()
  std::string host;                 // with its port
  std::string query;                // not decoded
  std::string fragment;             // decoded
};

// Error: BadRequest; its message is the text of Go's *url.Error ('parse "x": ...').
Result<GoUrl> parse_go_url(std::string_view text);

}  // namespace tiphys::apiserver
