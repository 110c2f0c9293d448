#include "kubelet/server/file_serving.h"

#include <time.h>

#include <algorithm>

#include "base/html.h"
#include "base/strings.h"

namespace tiphys::kubelet {
namespace {

constexpr const char* kHttpDate = "%a, %d %b %Y %H:%M:%S GMT";

// As Go's URL{Path: name}.String(): a name with a colon is no scheme.
std::string link_of(std::string_view name) {
  constexpr std::string_view kPlain = "$&+,/:;=@";
  std::string out;
  if (name.substr(0, name.find('/')).find(':') != std::string_view::npos) out = "./";
  for (char c : name) {
    if (kPlain.find(c) != std::string_view::npos) {
      out += c;
    } else {
      out += percent_encode(std::string_view(&c, 1));
    }
  }
  return out;
}

// As Go's DetectContentType tells data from text.
bool is_binary(std::string_view bytes) {
  return std::ranges::any_of(bytes, [](char c) {
    auto byte = static_cast<unsigned char>(c);
    bool text = byte == '\t' || byte == '\n' || byte == '\f' || byte == '\r' || byte == 0x1b;
    return byte < 0x20 && !text;
  });
}

// One of a Range header. Nothing: it isn't one.
std::optional<AskedRange> one_range(std::string_view text, int64_t size) {
  using Kind = AskedRange::Kind;
  size_t dash = text.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  std::string_view first = trim(text.substr(0, dash));
  std::string_view last = trim(text.substr(dash + 1));
  if (first.empty()) {
    std::optional<int64_t> tail = parse_int(last);
    if (!tail || *tail < 0 || last.starts_with('-')) return std::nullopt;
    int64_t length = std::min(*tail, size);
    return AskedRange{Kind::kPart, size - length, length};
  }
  std::optional<int64_t> start = parse_int(first);
  if (!start || *start < 0) return std::nullopt;
  if (*start >= size) return AskedRange{Kind::kNothing};
  if (last.empty()) return AskedRange{Kind::kPart, *start, size - *start};
  std::optional<int64_t> end = parse_int(last);
  if (!end || *end < *start) return std::nullopt;
  return AskedRange{Kind::kPart, *start, std::min(*end, size - 1) - *start + 1};
}

}  // namespace

std::string listing_page(std::vector<FileEntry> entries) {
  std::ranges::sort(entries, {}, &FileEntry::name);
  std::string out =
      "<!doctype html>\n<meta name=\"viewport\" content=\"width=device-width\">\n<pre>\n";
  for (const FileEntry& entry : entries) {
    std::string name = entry.name + (entry.directory ? "/" : "");
    out += "<a href=\"" + link_of(name) + "\">" + html_escape(name, true) + "</a>\n";
  }
  return out + "</pre>\n";
}

std::string clean_path(std::string_view path) {
  std::vector<std::string_view> parts;
  for (std::string_view part : split(path, '/')) {
    if (part.empty() || part == ".") continue;
    if (part != "..") {
      parts.push_back(part);
    } else if (!parts.empty()) {
      parts.pop_back();
    }
  }
  std::string out;
  for (std::string_view part : parts) out += (out.empty() ? "" : "/") + std::string(part);
  return out;
}

std::string_view content_type_of(std::string_view name, std::string_view first_bytes) {
  if (name.ends_with(".json")) return "application/json";
  if (first_bytes.starts_with("\x1f\x8b\x08")) return "application/x-gzip";
  return is_binary(first_bytes) ? "application/octet-stream" : "text/plain; charset=utf-8";
}

std::string http_date(MicroTime time) {
  time_t seconds = time / kMicrosPerSecond;
  tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[40];
  return {text, std::strftime(text, sizeof text, kHttpDate, &parts)};
}

std::optional<MicroTime> parse_http_date(std::string_view text) {
  tm parts{};
  std::string whole(text);
  const char* end = ::strptime(whole.c_str(), kHttpDate, &parts);
  if (!end || *end != 0) return std::nullopt;
  return static_cast<MicroTime>(::timegm(&parts)) * kMicrosPerSecond;
}

AskedRange asked_range(std::string_view header, int64_t size) {
  using Kind = AskedRange::Kind;
  if (header.empty()) return {};
  std::optional<std::string_view> list = cut_prefix(header, "bytes=");
  if (!list) return {Kind::kInvalid};
  bool past_end = false;
  size_t count = 0;
  AskedRange out;
  for (std::string_view text : split(*list, ',')) {
    if (trim(text).empty()) continue;
    std::optional<AskedRange> one = one_range(trim(text), size);
    if (!one) return {Kind::kInvalid};
    if (one->kind == Kind::kNothing) {
      past_end = true;
      continue;
    }
    out = *one;
    ++count;
  }
  if (count == 0 && past_end && size > 0) return {Kind::kNothing};
  return count == 1 ? out : AskedRange{};
}

}  // namespace tiphys::kubelet
