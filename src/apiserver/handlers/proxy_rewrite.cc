#include "apiserver/handlers/proxy_rewrite.h"

#include <algorithm>
#include <vector>

#include "base/html.h"
#include "base/strings.h"

namespace tiphys::apiserver {
namespace {

struct LinkAttributes {
  std::string_view tag;
  std::string_view attributes;  // separated by spaces
};

constexpr LinkAttributes kLinkAttributes[] = {
    {"a", "href"},
    {"applet", "codebase"},
    {"area", "href"},
    {"audio", "src"},
    {"base", "href"},
    {"blockquote", "cite"},
    {"body", "background"},
    {"button", "formaction"},
    {"command", "icon"},
    {"del", "cite"},
    {"embed", "src"},
    {"form", "action"},
    {"frame", "longdesc src"},
    {"head", "profile"},
    {"html", "manifest"},
    {"iframe", "longdesc src"},
    {"img", "longdesc src usemap"},
    {"input", "src usemap formaction"},
    {"ins", "cite"},
    {"link", "href"},
    {"object", "classid codebase data usemap"},
    {"q", "cite"},
    {"script", "src"},
    {"source", "src"},
    {"video", "poster src"},
};
// Elements whose content is text up to their end tag.
constexpr std::string_view kRawText[] = {"script", "style",   "textarea", "title",    "xmp",
                                         "iframe", "noembed", "noframes", "noscript", "plaintext"};

struct Url {
  bool has_host = false;
  std::string_view scheme;
  std::string_view host;
  std::string_view path;
  std::string_view rest;  // query and fragment
};

bool is_scheme(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '+' || c == '-' || c == '.';
  });
}

Url parse_url(std::string_view text) {
  Url url;
  size_t end = text.find_first_of("?#");
  if (end != std::string_view::npos) url.rest = text.substr(end);
  text = text.substr(0, end);
  size_t colon = text.find(':');
  if (colon < text.find('/') && is_scheme(text.substr(0, colon))) {
    url.scheme = text.substr(0, colon);
    text = text.substr(colon + 1);
  }
  url.has_host = text.starts_with("//");
  if (url.has_host) {
    text = text.substr(2);
    size_t slash = text.find('/');
    url.host = text.substr(0, slash);
    text = slash == std::string_view::npos ? std::string_view() : text.substr(slash);
  }
  url.path = text;
  return url;
}

// "." and ".." resolved as Go's path.Clean does for a rooted path.
std::string clean_path(std::string_view path) {
  std::vector<std::string_view> kept;
  for (std::string_view part : split(path, '/')) {
    if (part.empty() || part == ".") continue;
    if (part != "..") {
      kept.push_back(part);
    } else if (!kept.empty()) {
      kept.pop_back();
    }
  }
  std::string out;
  for (std::string_view part : kept) out.append("/").append(part);
  if (out.empty() || path.ends_with('/')) out += '/';
  return out;
}

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f'; }

std::string unescape_value(std::string_view text) {
  std::string out(text);
  for (size_t at = out.find("&amp;"); at != std::string::npos; at = out.find("&amp;", at + 1)) {
    out.replace(at, 5, "&");
  }
  return out;
}

// One pass over a page; out_ takes everything, changed or not.
class HtmlRewriter {
 public:
  HtmlRewriter(const ProxyPlace& place, std::string_view html) : place_(place), html_(html) {}

  std::string run() {
    while (at_ < html_.size()) {
      size_t open = html_.find('<', at_);
      copy_to(std::min(open, html_.size()));
      if (at_ < html_.size()) take_markup();
    }
    return std::move(out_);
  }

 private:
  void copy_to(size_t end) {
    out_ += html_.substr(at_, end - at_);
    at_ = end;
  }
  void copy_past(std::string_view mark) {
    size_t found = html_.find(mark, at_);
    copy_to(found == std::string_view::npos ? html_.size() : found + mark.size());
  }

  void take_markup() {
    std::string_view left = html_.substr(at_);
    if (left.starts_with("<!--")) return copy_past("-->");
    bool tag = left.size() > 1 && std::isalpha(static_cast<unsigned char>(left[1]));
    if (tag) return take_tag();
    copy_to(at_ + 1);
  }

  void take_tag() {
    size_t start = at_ + 1;
    size_t end = start;
    while (end < html_.size() && !is_space(html_[end]) && html_[end] != '>' && html_[end] != '/') {
      ++end;
    }
    std::string name = to_lower(html_.substr(start, end - start));
    copy_to(end);
    std::string_view links;
    for (const LinkAttributes& row : kLinkAttributes) {
      if (row.tag == name) links = row.attributes;
    }
    while (at_ < html_.size() && html_[at_] != '>') take_attribute(links);
    if (at_ < html_.size()) copy_to(at_ + 1);
    if (std::ranges::find(kRawText, name) != std::end(kRawText)) skip_raw_text(name);
  }

  void take_attribute(std::string_view links) {
    size_t start = at_;
    if (is_space(html_[start]) || html_[start] == '/') return copy_to(start + 1);
    size_t end = start + 1;
    while (end < html_.size() && !is_space(html_[end]) && html_[end] != '=' && html_[end] != '>' &&
           html_[end] != '/') {
      ++end;
    }
    std::string name = to_lower(html_.substr(start, end - start));
    size_t equals = end;
    while (equals < html_.size() && is_space(html_[equals])) ++equals;
    if (equals >= html_.size() || html_[equals] != '=') return copy_to(end);
    size_t value = equals + 1;
    while (value < html_.size() && is_space(html_[value])) ++value;
    copy_to(value);
    bool link = false;
    for (std::string_view known : split(links, ' ')) link |= known == name;
    take_value(link);
  }

  void take_value(bool link) {
    if (at_ >= html_.size()) return;
    char quote = html_[at_];
    bool quoted = quote == '"' || quote == '\'';
    size_t start = at_ + (quoted ? 1 : 0);
    size_t end = start;
    if (quoted) {
      end = std::min(html_.find(quote, start), html_.size());
    } else {
      while (end < html_.size() && !is_space(html_[end]) && html_[end] != '>') ++end;
    }
    if (!link) return copy_to(end + (quoted && end < html_.size() ? 1 : 0));
    std::string value = unescape_value(html_.substr(start, end - start));
    std::string rewritten = rewrite_link(place_, value);
    if (rewritten == value) return copy_to(end + (quoted && end < html_.size() ? 1 : 0));
    out_ += '"' + html_escape(rewritten, true) + '"';
    at_ = std::min(end + (quoted ? 1 : 0), html_.size());
  }

  // Up to the end tag. The search is bounded by the page: each byte is looked at once.
  void skip_raw_text(std::string_view name) {
    for (size_t at = html_.find("</", at_); at != std::string_view::npos;
         at = html_.find("</", at + 2)) {
      if (!equals_ignore_case(html_.substr(at + 2, name.size()), name)) continue;
      return copy_to(at);
    }
    copy_to(html_.size());
  }

  const ProxyPlace& place_;
  std::string_view html_;
  size_t at_ = 0;
  std::string out_;
};

// Go's encoding of a path.
std::string escape_path(std::string_view path) {
  static constexpr std::string_view kPlain = "-_.~$&+,/:;=@";
  std::string out;
  for (char c : path) {
    bool plain =
        std::isalnum(static_cast<unsigned char>(c)) || kPlain.find(c) != std::string_view::npos;
    out += plain ? std::string(1, c) : percent_encode(std::string_view(&c, 1));
  }
  return out;
}

}  // namespace

std::string rewrite_link(const ProxyPlace& place, std::string_view link) {
  Url url = parse_url(link);
  bool elsewhere = !url.host.empty() && url.host != place.backend && url.host != place.host;
  if (elsewhere || !url.path.starts_with('/')) return std::string(link);
  std::string out;
  if (url.host == place.host && !place.host.empty()) {
    if (!url.scheme.empty()) out.append(url.scheme).append(":");
    out.append("//").append(url.host);
  }
  if (url.path.starts_with(place.prefix)) {
    out += url.path;
  } else {
    out += place.prefix == "/" ? "" : place.prefix;
    out += clean_path(url.path);
  }
  return out.append(url.rest);
}

std::string rewrite_html(const ProxyPlace& place, std::string_view html) {
  return HtmlRewriter(place, html).run();
}

std::string backend_path(std::string_view decoded) { return escape_path(clean_path(decoded)); }

}  // namespace tiphys::apiserver
