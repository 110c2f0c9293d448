#include "kinds/image_name.h"

#include <algorithm>

namespace tiphys {
namespace {

bool is_repository(std::string_view text) {
  if (text.empty()) return false;
  // The part after a registry (it has a dot, a port or is localhost) must be lower case.
  size_t slash = text.find('/');
  std::string_view first = text.substr(0, slash);
  bool registry = slash != std::string_view::npos &&
                  (first.find_first_of(".:") != std::string_view::npos || first == "localhost");
  std::string_view path = registry ? text.substr(slash + 1) : text;
  return !path.empty() && std::all_of(path.begin(), path.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '/' || c == '.' || c == '_' ||
           c == '-';
  });
}

}  // namespace

ImageName parse_image_name(std::string_view image) {
  ImageName name;
  if (size_t at = image.find('@'); at != std::string_view::npos) {
    name.digest = image.substr(at + 1);
    image = image.substr(0, at);
  }
  size_t colon = image.rfind(':');
  size_t slash = image.rfind('/');
  bool tagged =
      colon != std::string_view::npos && (slash == std::string_view::npos || colon > slash);
  if (tagged) {
    name.tag = image.substr(colon + 1);
    image = image.substr(0, colon);
    if (name.tag.empty()) return {};
  }
  if (!is_repository(image)) return {};
  name.repository = image;
  if (name.tag.empty() && name.digest.empty()) name.tag = "latest";
  return name;
}

}  // namespace tiphys
