#include "kubelet/images/reference.h"

#include <algorithm>

#include "base/strings.h"

namespace tiphys::kubelet {
namespace {

constexpr size_t kMaxPath = 255;
constexpr size_t kMaxTag = 128;

bool is_lower_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }
bool is_word(char c) { return is_lower_or_digit(c) || (c >= 'A' && c <= 'Z') || c == '_'; }

// [a-z0-9]+ parts joined by ".", "_", "__" or dashes.
bool is_path_part(std::string_view part) {
  if (part.empty() || !is_lower_or_digit(part.front()) || !is_lower_or_digit(part.back()))
    return false;
  for (size_t i = 0; i < part.size(); ++i) {
    char c = part[i];
    if (is_lower_or_digit(c) || c == '-') continue;
    if (c != '.' && c != '_') return false;
    size_t run = 1;
    while (part[i + run] == c) ++run;
    if (run > (c == '_' ? 2u : 1u) || !is_lower_or_digit(part[i + run])) return false;
    i += run - 1;
  }
  return true;
}

bool is_domain(std::string_view domain) {
  if (domain.empty()) return false;
  size_t colon = domain.rfind(':');
  bool bracketed = domain.front() == '[';
  if (colon != std::string_view::npos && (!bracketed || domain.find(']') < colon)) {
    if (!parse_uint(domain.substr(colon + 1))) return false;
    domain = domain.substr(0, colon);
  }
  if (bracketed) return domain.back() == ']' && domain.size() > 2;
  for (std::string_view label : split(domain, '.')) {
    if (label.empty() || label.front() == '-' || label.back() == '-') return false;
    for (char c : label) {
      if ((!is_word(c) && c != '-') || c == '_') return false;
    }
  }
  return true;
}

bool is_tag(std::string_view tag) {
  if (tag.empty() || tag.size() > kMaxTag || !is_word(tag[0])) return false;
  return std::all_of(tag.begin(), tag.end(),
                     [](char c) { return is_word(c) || c == '.' || c == '-'; });
}

bool is_digest(std::string_view digest) {
  size_t colon = digest.find(':');
  if (colon == std::string_view::npos || colon == 0) return false;
  std::string_view bytes = digest.substr(colon + 1);
  return bytes.size() >= 32 && std::all_of(bytes.begin(), bytes.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

bool looks_like_domain(std::string_view first) {
  return first.find_first_of(".:") != std::string_view::npos || first == "localhost" ||
         to_lower(first) != first;
}

}  // namespace

std::string ImageReference::text() const {
  return domain + "/" + path + (tag.empty() ? "" : ":" + tag) +
         (digest.empty() ? "" : "@" + digest);
}

Result<ImageReference> parse_image_reference(std::string_view name) {
  auto invalid = [&](const std::string& why) {
    return ApiStatus::bad_request("couldn't parse image name " + go_quote(name) + ": " + why);
  };
  ImageReference out;
  std::string_view rest = name;
  if (size_t at = rest.find('@'); at != std::string_view::npos) {
    out.digest = rest.substr(at + 1);
    rest = rest.substr(0, at);
    if (!is_digest(out.digest)) return invalid("invalid reference format");
  }
  size_t slash = rest.rfind('/');
  size_t colon = rest.find(':', slash == std::string_view::npos ? 0 : slash);
  if (colon != std::string_view::npos) {
    out.tag = rest.substr(colon + 1);
    rest = rest.substr(0, colon);
    if (!is_tag(out.tag)) return invalid("invalid reference format");
  }
  size_t first = rest.find('/');
  if (first != std::string_view::npos && looks_like_domain(rest.substr(0, first))) {
    out.domain = rest.substr(0, first);
    out.path = rest.substr(first + 1);
    if (!is_domain(out.domain)) return invalid("invalid reference format");
  } else {
    out.domain = "docker.io";
    out.path = rest;
  }
  if (out.domain == "index.docker.io") out.domain = "docker.io";
  if (to_lower(out.path) != out.path) {
    return invalid("invalid reference format: repository name (" + out.path +
                   ") must be lowercase");
  }
  if (out.path.size() > kMaxPath) {
    return invalid("repository name must not be more than 255 characters");
  }
  for (std::string_view part : split(out.path, '/')) {
    if (!is_path_part(part)) return invalid("invalid reference format");
  }
  if (out.domain == "docker.io" && out.path.find('/') == std::string::npos) {
    out.path = "library/" + out.path;
  }
  if (out.tag.empty() && out.digest.empty()) out.tag = "latest";
  return out;
}

}  // namespace tiphys::kubelet
