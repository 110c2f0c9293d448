// What serving files over HTTP needs, as Go's http.FileServer does it (net/http fs.go): pages of
// folders, ranges, dates, types. Pure.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"

namespace tiphys::kubelet {

struct FileEntry {
  std::string name;
  bool directory = false;
};
// The page of a folder. Names are hostile: they are escaped as links and as text.
std::string listing_page(std::vector<FileEntry> entries);

// A decoded path as one below a root: "a/b", without "." and ".."; "": the root itself.
std::string clean_path(std::string_view path);

// Of a file, by its name and first bytes. Text is text/plain whatever it says: a log is no page.
std::string_view content_type_of(std::string_view name, std::string_view first_bytes);

// "Thu, 01 Jan 1970 00:00:00 GMT" (RFC 9110 5.6.7; other forms aren't read).
std::string http_date(MicroTime time);
std::optional<MicroTime> parse_http_date(std::string_view text);

struct AskedRange {
  enum class Kind : uint8_t {
    kWhole,    // none is asked for; or several, or more than there is: the whole file is sent
    kPart,     // [start, start + length)
    kNothing,  // past the end
    kInvalid,
  };
  Kind kind = Kind::kWhole;
  int64_t start = 0;
  int64_t length = 0;
};
// From a Range header, of a file of this size.
AskedRange asked_range(std::string_view header, int64_t size);

}  // namespace tiphys::kubelet
