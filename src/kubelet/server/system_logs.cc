#include "kubelet/server/system_logs.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/strings.h"
#include "kubelet/server/file_serving.h"
#include "kubelet/server/responses.h"
#include "os/beneath.h"

namespace tiphys::kubelet {
namespace {

constexpr std::string_view kPrefix = "/logs/";
constexpr size_t kChunk = 64 * 1024;
constexpr size_t kSniffed = 512;

// What was found under a path.
struct Opened {
  os::Fd fd;
  bool directory = false;
  int64_t size = 0;
  MicroTime modified = 0;
  std::string first_bytes;         // of a file
  std::vector<FileEntry> entries;  // of a folder
};

Result<std::vector<FileEntry>> entries_of(os::Fd fd) {
  ApiStatus unreadable = ApiStatus::internal("Error reading directory");
  std::unique_ptr<DIR, int (*)(DIR*)> folder(::fdopendir(fd.get()), ::closedir);
  if (!folder) return unreadable;
  fd.release();
  std::vector<FileEntry> out;
  while (dirent* entry = ::readdir(folder.get())) {
    std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    if (out.size() == SystemLogs::kMaxEntries) return unreadable;
    out.push_back({std::string(name), entry->d_type == DT_DIR});
  }
  return out;
}

Result<Opened> open_log(const std::string& folder, const std::string& path) {
  TIPHYS_TRY(os::Fd, found, os::open_inside(folder, path));
  struct stat info{};
  if (::fstat(found.get(), &info) != 0) return ApiStatus::os_error("stat " + path, errno);
  Opened out;
  out.directory = S_ISDIR(info.st_mode);
  if (!out.directory && !S_ISREG(info.st_mode)) return ApiStatus::not_found("", "file", path);
  out.size = info.st_size;
  out.modified = static_cast<MicroTime>(info.st_mtim.tv_sec) * kMicrosPerSecond;
  TIPHYS_TRY(os::Fd, readable, os::reopen_for_reading(found));
  if (out.directory) {
    TIPHYS_TRY(std::vector<FileEntry>, entries, entries_of(std::move(readable)));
    out.entries = std::move(entries);
    return out;
  }
  out.first_bytes.resize(kSniffed);
  ssize_t got = ::pread(readable.get(), out.first_bytes.data(), kSniffed, 0);
  out.first_bytes.resize(got > 0 ? static_cast<size_t>(got) : 0);
  out.fd = std::move(readable);
  return out;
}

class FileStream : public net::BodyStream {
 public:
  FileStream(Loop& loop, WorkerPool& pool, os::Fd fd, int64_t start, int64_t length)
      : loop_(loop),
        pool_(pool),
        fd_(std::make_shared<os::Fd>(std::move(fd))),
        at_(start),
        left_(length) {}
  Task<Result<net::Bytes>> next(StopToken) override {
    auto size = static_cast<size_t>(std::min<int64_t>(left_, kChunk));
    if (size == 0) co_return net::Bytes();
    std::shared_ptr<os::Fd> fd = fd_;
    int64_t at = at_;
    Result<std::string> chunk =
        co_await run_blocking(loop_, pool_, [fd, at, size] { return read_at(*fd, at, size); });
    if (!chunk) co_return chunk.error();
    if (chunk->empty()) co_return net::Bytes();  // it was cut off meanwhile
    at_ += static_cast<int64_t>(chunk->size());
    left_ -= static_cast<int64_t>(chunk->size());
    co_return std::make_shared<const std::string>(std::move(*chunk));
  }

 private:
  static Result<std::string> read_at(const os::Fd& fd, int64_t at, size_t size) {
    std::string out(size, '\0');
    ssize_t got = ::pread(fd.get(), out.data(), size, at);
    if (got < 0) return ApiStatus::os_error("read a log", errno);
    out.resize(static_cast<size_t>(got));
    return out;
  }

  Loop& loop_;
  WorkerPool& pool_;
  std::shared_ptr<os::Fd> fd_;
  int64_t at_;
  int64_t left_;
};

// As Go's toHTTPError.
net::Response error_answer(const ApiStatus& error) {
  if (error.code() == 404) return not_found_response();
  if (error.code() == 403) return text_response(403, "403 Forbidden\n");
  if (error.message() == "Error reading directory") {
    return text_response(500, error.message() + "\n");
  }
  return text_response(500, "500 Internal Server Error\n");
}

net::Response moved_to(std::string place, const std::string& query) {
  net::Response out;
  out.status = 301;
  out.headers.add("location", place + (query.empty() ? "" : "?" + query));
  return out;
}

bool is_unchanged(const net::Request& request, const Opened& found) {
  if (request.headers.has("if-none-match")) return false;
  auto since = parse_http_date(request.headers.get("if-modified-since"));
  return since && found.modified <= *since;
}

// A folder's links work below "folder/" alone, as a file's name is one without. Nothing: it fits.
std::optional<net::Response> redirection(const Opened& found, bool as_folder, std::string_view path,
                                         const std::string& query) {
  if (found.directory == as_folder) return std::nullopt;
  std::string name = percent_encode(path.substr(path.rfind('/') + 1));
  return moved_to(found.directory ? name + "/" : "../" + name, query);
}

net::Response range_error(std::string_view why, const net::Response& of, int64_t size) {
  net::Response out = text_response(416, "invalid range" + std::string(why) + "\n");
  out.headers.add("last-modified", of.headers.get("last-modified"));
  if (!why.empty()) out.headers.add("content-range", "bytes */" + std::to_string(size));
  return out;
}

}  // namespace

// `out` has the headers of every answer.
net::Response SystemLogs::file_answer(net::Response out, os::Fd fd, int64_t size,
                                      const net::Request& request) {
  using Kind = AskedRange::Kind;
  AskedRange range;
  if (!request.headers.has("if-range")) range = asked_range(request.headers.get("range"), size);
  if (range.kind == Kind::kInvalid) return range_error("", out, size);
  if (range.kind == Kind::kNothing) return range_error(": failed to overlap", out, size);
  if (range.kind == Kind::kPart) {
    out.status = 206;
    out.headers.add("content-range", "bytes " + std::to_string(range.start) + "-" +
                                         std::to_string(range.start + range.length - 1) + "/" +
                                         std::to_string(size));
  } else {
    range.length = size;
  }
  out.headers.add("accept-ranges", "bytes");
  out.stream = std::make_unique<FileStream>(loop_, pool_, std::move(fd), range.start, range.length);
  return out;
}

Task<net::Response> SystemLogs::answer(net::Request request) {
  if (request.path == "/logs") co_return moved_to("/logs/", request.query);
  std::string_view raw = std::string_view(request.path).substr(kPrefix.size());
  std::optional<std::string> decoded = percent_decode(raw, false);
  if (!decoded || decoded->find('\0') != std::string::npos) co_return not_found_response();
  std::string path = clean_path(*decoded);
  bool as_folder = path.empty() || raw.ends_with('/');
  std::string folder = folder_;
  Result<Opened> found =
      co_await run_blocking(loop_, pool_, [folder, path] { return open_log(folder, path); });
  if (!found) co_return error_answer(found.error());
  if (auto moved = redirection(*found, as_folder, path, request.query)) co_return std::move(*moved);
  net::Response out;
  out.headers.add("last-modified", http_date(found->modified));
  if (is_unchanged(request, *found)) {
    out.status = 304;
    co_return out;
  }
  out.headers.add("x-content-type-options", "nosniff");
  if (found->directory) {
    out.headers.add("content-type", "text/html; charset=utf-8");
    out.body = std::make_shared<const std::string>(listing_page(std::move(found->entries)));
    co_return out;
  }
  out.headers.add("content-type", content_type_of(path, found->first_bytes));
  co_return file_answer(std::move(out), std::move(found->fd), found->size, request);
}

}  // namespace tiphys::kubelet
