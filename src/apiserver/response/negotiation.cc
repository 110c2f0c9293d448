#include "apiserver/response/negotiation.h"

#include <algorithm>
#include <vector>

#include "base/strings.h"

namespace tiphys::apiserver {
namespace {

constexpr std::string_view kAcceptedTypes =
    "application/json, application/yaml, application/vnd.kubernetes.protobuf";
constexpr std::string_view kStreamTypes =
    "application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch";
constexpr size_t kMaxAcceptClauses = 32;

struct Clause {
  std::string_view type;
  double quality = 1;
  size_t order = 0;
  std::vector<std::pair<std::string_view, std::string_view>> parameters;
};

std::string_view unquote(std::string_view text) {
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') {
    return text.substr(1, text.size() - 2);
  }
  return text;
}

Clause parse_clause(std::string_view text) {
  Clause clause;
  bool first = true;
  for (std::string_view part : split(text, ';')) {
    part = trim(part);
    if (first) {
      clause.type = part;
      first = false;
      continue;
    }
    size_t equals = part.find('=');
    if (equals == std::string_view::npos) continue;
    std::string_view name = trim(part.substr(0, equals));
    std::string_view value = unquote(trim(part.substr(equals + 1)));
    if (name == "q") {
      clause.quality = std::atof(std::string(value.substr(0, 8)).c_str());
    } else {
      clause.parameters.emplace_back(name, value);
    }
  }
  return clause;
}

std::vector<Clause> parse_accept(std::string_view accept) {
  std::vector<Clause> clauses;
  for (std::string_view part : split(accept, ',')) {
    if (trim(part).empty()) continue;
    clauses.push_back(parse_clause(part));
    clauses.back().order = clauses.size();
    if (clauses.size() == kMaxAcceptClauses) break;
  }
  auto stars = [](const Clause& c) { return std::count(c.type.begin(), c.type.end(), '*'); };
  std::sort(clauses.begin(), clauses.end(), [&](const Clause& a, const Clause& b) {
    if (a.quality != b.quality) return a.quality > b.quality;
    if (stars(a) != stars(b)) return stars(a) < stars(b);
    return a.order < b.order;
  });
  return clauses;
}

std::optional<codec::Format> format_of(std::string_view type) {
  if (type == "application/json" || type == "*/*") {
    return codec::Format::kJson;
  }
  if (type == "application/yaml") return codec::Format::kYaml;
  if (type == "application/vnd.kubernetes.protobuf") return codec::Format::kProtobuf;
  return std::nullopt;
}

struct As {
  std::string_view kind;
  std::string_view group;
  std::string_view version;
};

As as_of(const Clause& clause) {
  As as;
  for (const auto& [name, value] : clause.parameters) {
    if (name == "as") as.kind = value;
    if (name == "g") as.group = value;
    if (name == "v") as.version = value;
  }
  return as;
}

bool apply_transform(const As& as, const AcceptScope& scope, MediaType& media) {
  bool protobuf = media.format == codec::Format::kProtobuf;
  if (as.kind.empty()) return as.group.empty() && as.version.empty();
  if (as.group != "meta.k8s.io") return false;
  if (as.version != "v1" && as.version != "v1beta1") return false;
  media.meta_version = as.version == "v1" ? std::string_view("v1") : std::string_view("v1beta1");
  if (as.kind == "Table" && scope.table && !protobuf) {  // Tables have no protobuf form
    media.transform = Transform::kTable;
  } else if (as.kind == "PartialObjectMetadata" && scope.partial) {
    media.transform = Transform::kPartialObject;
  } else if (as.kind == "PartialObjectMetadataList" && scope.partial) {
    media.transform = Transform::kPartialObjectList;
  } else {
    return false;
  }
  return true;
}

std::optional<MediaType> accept_clause(const Clause& clause, const AcceptScope& scope) {
  // Known to no route by itself, but good enough beside a type that is.
  bool any = clause.type == "application/*";
  auto format = any ? std::optional(codec::Format::kJson) : format_of(clause.type);
  if (!format) return std::nullopt;
  MediaType media;
  media.format = *format;
  for (const auto& [name, value] : clause.parameters) {
    if (name == "pretty") media.pretty = value == "1";
    if (name == "stream") {
      if (value != "watch" || media.format == codec::Format::kYaml) return std::nullopt;
      media.stream = true;
    }
  }
  if (!apply_transform(as_of(clause), scope, media)) return std::nullopt;
  return media;
}

ApiStatus not_acceptable(std::string_view types) {
  return ApiStatus::not_acceptable("only the following media types are accepted: " +
                                   std::string(types));
}

// Go's mime.ParseMediaType: the type in lower case; nothing if a parameter is malformed.
std::optional<std::string> parse_media_type(std::string_view text) {
  std::vector<std::string_view> parts = split(text, ';');
  for (size_t i = 1; i < parts.size(); ++i) {
    std::string_view part = trim(parts[i]);
    if (part.empty() && i + 1 == parts.size()) break;
    size_t equals = part.find('=');
    if (equals == 0 || equals == std::string_view::npos || equals + 1 == part.size()) {
      return std::nullopt;
    }
  }
  return to_lower(trim(parts[0]));
}

}  // namespace

Result<MediaType> negotiate(std::string_view accept, const AcceptScope& scope) {
  if (accept.empty() || accept == "application/json" || accept == "*/*") return MediaType{};
  std::vector<Clause> clauses = parse_accept(accept);
  if (clauses.empty()) return MediaType{};
  bool known = std::ranges::any_of(
      clauses, [](const Clause& clause) { return format_of(clause.type).has_value(); });
  for (const Clause& clause : clauses) {
    auto media = known ? accept_clause(clause, scope) : std::nullopt;
    if (!media) continue;
    if (scope.streams && media->format == codec::Format::kYaml) {
      return not_acceptable(kStreamTypes);
    }
    return *media;
  }
  if (known) return not_acceptable(kAcceptedTypes);
  // No type of the endpoint at all: the router's own words.
  std::string types(kAcceptedTypes);
  if (scope.lists) types += ", " + std::string(kStreamTypes);
  return ApiStatus::not_acceptable("406: Not Acceptable\n\nAvailable representations: " + types);
}

std::optional<DiscoveryType> negotiate_discovery(std::string_view accept) {
  for (const Clause& clause : parse_accept(accept)) {
    auto format = format_of(clause.type);
    As as = as_of(clause);
    if (!format) continue;
    if (as.kind.empty()) return std::nullopt;
    if (as.kind != "APIGroupDiscoveryList" || as.group != "apidiscovery.k8s.io") continue;
    if (as.version == "v2" || as.version == "v2beta1") return DiscoveryType{*format, as.version};
  }
  return std::nullopt;
}

std::vector<std::string_view> accepted_types(std::string_view accept) {
  std::vector<std::string_view> types;
  for (const Clause& clause : parse_accept(accept)) types.push_back(clause.type);
  if (types.empty()) types.push_back("*/*");
  return types;
}

std::string_view content_type(codec::Format format) {
  switch (format) {
    case codec::Format::kJson:
      return "application/json";
    case codec::Format::kYaml:
      return "application/yaml";
    case codec::Format::kProtobuf:
      return "application/vnd.kubernetes.protobuf";
  }
  return {};
}

std::string_view stream_content_type(codec::Format format) {
  return format == codec::Format::kProtobuf ? "application/vnd.kubernetes.protobuf;stream=watch"
                                            : "application/json";
}

Result<codec::Format> body_format(std::string_view type) {
  if (type.empty()) return codec::Format::kJson;
  std::optional<std::string> media = parse_media_type(type);
  if (media == "application/json") return codec::Format::kJson;
  if (media == "application/yaml") return codec::Format::kYaml;
  if (media == "application/vnd.kubernetes.protobuf") return codec::Format::kProtobuf;
  return ApiStatus::unsupported_media_type(
      "the body of the request was in an unknown format - accepted media types include: " +
      std::string(kAcceptedTypes));
}

bool accepts_gzip(std::string_view accept_encoding) {
  for (std::string_view part : split(accept_encoding, ',')) {
    std::string_view coding = trim(part.substr(0, part.find(';')));
    if (coding != "gzip") continue;
    return part.find("q=0") == std::string_view::npos ||
           part.find("q=0.") != std::string_view::npos;
  }
  return false;
}

}  // namespace tiphys::apiserver
