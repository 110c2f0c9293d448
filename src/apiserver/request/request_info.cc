#include "apiserver/request/request_info.h"

#include <array>

#include "apiserver/request/query.h"
#include "base/strings.h"

namespace tiphys::apiserver {
namespace {

// Sub-paths of /namespaces/NAME that are subresources of the namespace, not resources in it.
bool is_namespace_subresource(std::string_view part) {
  return part == "status" || part == "finalize";
}

std::string verb_of(std::string_view method) {
  if (method == "POST") return "create";
  if (method == "GET" || method == "HEAD") return "get";
  if (method == "PUT") return "update";
  if (method == "PATCH") return "patch";
  if (method == "DELETE") return "delete";
  return "";
}

// The value of "metadata.name=x" if the field selector asks for one name only.
std::string_view selected_name(std::string_view selector) {
  for (std::string_view term : split(selector, ',')) {
    for (std::string_view prefix : {"metadata.name==", "metadata.name="}) {
      auto value = cut_prefix(term, prefix);
      if (value && !value->empty()) return *value;
    }
  }
  return {};
}

class Resolver {
 public:
  Resolver(RequestInfo& info, std::string_view method, std::string_view raw_query)
      : info_(info), method_(method), raw_query_(raw_query) {}

  void resolve() {
    split_parts();
    info_.verb = to_lower(method_);
    if (count_ < 3 || !take_prefix()) return;
    info_.is_resource = true;
    info_.verb = verb_of(method_);
    if (!take_special_verb()) return;
    take_namespace();
    take_resource();
    refine_verb();
  }

 private:
  static constexpr size_t kMaxParts = 8;  // the last part holds everything that follows

  void split_parts() {
    std::string_view text = info_.path;
    while (!text.empty() && text.front() == '/') text.remove_prefix(1);
    while (!text.empty() && text.back() == '/') text.remove_suffix(1);
    while (!text.empty() && count_ < kMaxParts) {
      size_t slash = count_ + 1 == kMaxParts ? std::string_view::npos : text.find('/');
      parts_[count_++] = text.substr(0, slash);
      text = slash == std::string_view::npos ? std::string_view() : text.substr(slash + 1);
    }
  }

  bool take_prefix() {
    if (parts_[0] == "api") {
      info_.version = parts_[1];
      next_ = 2;
    } else if (parts_[0] == "apis" && count_ >= 4) {
      info_.group = parts_[1];
      info_.version = parts_[2];
      next_ = 3;
    } else {
      return false;
    }
    info_.api_prefix = parts_[0];
    return true;
  }

  bool take_special_verb() {
    if (parts_[next_] != "watch" && parts_[next_] != "proxy") return true;
    if (left() < 2) return false;
    info_.verb = parts_[next_];
    info_.watch_prefix = info_.verb == "watch";
    ++next_;
    return true;
  }

  void take_namespace() {
    if (parts_[next_] != "namespaces" || left() < 2) return;
    info_.ns = parts_[next_ + 1];
    if (left() > 2 && !is_namespace_subresource(parts_[next_ + 2])) next_ += 2;
  }

  void take_resource() {
    info_.parts = static_cast<int>(left());
    info_.resource = parts_[next_];
    if (left() >= 2) info_.name = parts_[next_ + 1];
    if (left() >= 3 && info_.verb != "proxy") info_.subresource = parts_[next_ + 2];
    if (left() >= 4) {
      info_.rest = std::string(std::string_view(
          parts_[next_ + 3].data(), parts_[count_ - 1].data() + parts_[count_ - 1].size()));
    }
  }

  void refine_verb() {
    if (info_.name.empty() && info_.verb == "get") {
      Query query = Query::parse(raw_query_);
      info_.verb = query.flag("watch") ? "watch" : "list";
      info_.name = selected_name(query.get("fieldSelector"));
    } else if (info_.name.empty() && info_.verb == "watch") {
      info_.name = selected_name(Query::parse(raw_query_).get("fieldSelector"));
    } else if (info_.name.empty() && info_.verb == "delete") {
      info_.verb = "deletecollection";
    }
  }

  size_t left() const { return count_ - next_; }

  RequestInfo& info_;
  std::string_view method_;
  std::string_view raw_query_;
  std::array<std::string_view, kMaxParts> parts_;
  size_t count_ = 0;
  size_t next_ = 0;
};

bool has_encoded_slash(std::string_view raw) {
  for (size_t at = raw.find('%'); at != std::string_view::npos; at = raw.find('%', at + 1)) {
    if (equals_ignore_case(raw.substr(at, 3), "%2f")) return true;
  }
  return false;
}

}  // namespace

Attributes RequestInfo::attributes() const {
  Attributes attributes;
  attributes.is_resource = is_resource;
  attributes.verb = verb;
  attributes.path = path;
  if (!is_resource) return attributes;
  attributes.group = group;
  attributes.version = version;
  attributes.resource = resource;
  attributes.subresource = subresource;
  attributes.ns = ns;
  attributes.name = name;
  return attributes;
}

bool RequestInfo::is_connect() const {
  if (!is_resource || !group.empty()) return false;
  return subresource == "proxy" || subresource == "exec" || subresource == "attach" ||
         subresource == "portforward";
}

Result<ParsedRequest> parse_request_info(std::string_view method, std::string_view raw_path,
                                         std::string_view raw_query) {
  ParsedRequest parsed;
  if (raw_path.find('%') == std::string_view::npos) {
    parsed.info.path = raw_path;
  } else {
    parsed.encoded_slash = has_encoded_slash(raw_path);
    auto decoded = percent_decode(raw_path, false);
    if (!decoded) return ApiStatus::bad_request("invalid URL escape in path");
    parsed.info.path = std::move(*decoded);
  }
  Resolver(parsed.info, method, raw_query).resolve();
  return parsed;
}

}  // namespace tiphys::apiserver
