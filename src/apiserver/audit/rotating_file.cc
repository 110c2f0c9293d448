#include "apiserver/audit/rotating_file.h"

#include <algorithm>
#include <set>

#include "apiserver/response/gzip.h"
#include "base/strings.h"

namespace tiphys::apiserver::audit {
namespace {

constexpr int kFileMode = 0600;
constexpr int kDirMode = 0755;
constexpr std::string_view kCompressed = ".gz";
constexpr MicroTime kMicrosPerMilli = 1000;
constexpr MicroTime kDay = 24 * 3600 * kMicrosPerSecond;
constexpr size_t kPackBytes = 4 << 20;  // of a file packed at a time, a gzip member each

struct PathParts {
  std::string dir;
  std::string name;
};
PathParts split_path(const std::string& path) {
  size_t slash = path.rfind('/');
  if (slash == std::string::npos) return {".", path};
  return {slash == 0 ? "/" : path.substr(0, slash), path.substr(slash + 1)};
}

struct NameParts {
  std::string prefix;  // "audit-"
  std::string_view extension;
};
NameParts split_name(std::string_view name) {
  size_t dot = name.rfind('.');
  std::string_view extension = dot == std::string_view::npos ? "" : name.substr(dot);
  return {std::string(name.substr(0, name.size() - extension.size())) + "-", extension};
}

// A time as "2006-01-02T15-04-05.000", and back.
std::string stamp(MicroTime time) {
  std::string text = format_rfc3339_micro(time);
  text.resize(text.size() - 4);  // microseconds and the Z
  std::ranges::replace(text, ':', '-');
  return text;
}
std::optional<MicroTime> parse_stamp(std::string_view text) {
  constexpr std::string_view kForm = "0000-00-00T00-00-00.000";
  if (text.size() != kForm.size()) return std::nullopt;
  std::string time(text);
  time[13] = time[16] = ':';
  if (text[13] != '-' || text[16] != '-') return std::nullopt;
  auto parsed = parse_rfc3339(time + "Z");
  return parsed ? std::optional(*parsed) : std::nullopt;
}

Result<void> pack(const std::string& from, const std::string& to) {
  TIPHYS_TRY(int, mode, os::file_mode(from));
  if (auto removed = os::remove_file(to); !removed) return removed;  // of a run that was cut off
  TIPHYS_TRY(os::AppendFile, packed, os::AppendFile::open(to, mode));
  for (int64_t offset = 0;;) {
    TIPHYS_TRY(std::string, part, os::read_part(from, offset, kPackBytes));
    if (part.empty()) return {};
    offset += static_cast<int64_t>(part.size());
    std::string bytes = gzip(part);
    if (bytes.empty()) return ApiStatus::internal("compress " + from + " failed");
    if (auto written = packed.write(bytes); !written) return written;
  }
}

Result<void> compress(const std::string& path) {
  std::string packed = path + std::string(kCompressed);
  Result<void> done = pack(path, packed);
  if (done) return os::remove_file(path);
  (void)os::remove_file(packed);
  return done;
}

}  // namespace

std::string backup_name(std::string_view name, MicroTime time) {
  NameParts parts = split_name(name);
  return parts.prefix + stamp(time) + std::string(parts.extension);
}

std::vector<Backup> find_backups(std::string_view name, const std::vector<std::string>& files) {
  NameParts parts = split_name(name);
  std::vector<Backup> found;
  for (const std::string& file : files) {
    std::string_view rest = file;
    Backup backup{.name = file, .time = 0, .compressed = rest.ends_with(kCompressed)};
    if (backup.compressed) rest.remove_suffix(kCompressed.size());
    if (!rest.starts_with(parts.prefix) || !rest.ends_with(parts.extension)) continue;
    if (rest.size() < parts.prefix.size() + parts.extension.size()) continue;
    rest.remove_prefix(parts.prefix.size());
    rest.remove_suffix(parts.extension.size());
    std::optional<MicroTime> time = parse_stamp(rest);
    if (!time) continue;
    backup.time = *time;
    found.push_back(std::move(backup));
  }
  std::ranges::sort(found, std::greater<>(), &Backup::time);
  return found;
}

TidyPlan plan_tidying(const RotationOptions& options, std::vector<Backup> backups, MicroTime now) {
  TidyPlan plan;
  auto remove_if = [&](auto condition) {
    std::erase_if(backups, [&](const Backup& backup) {
      if (!condition(backup)) return false;
      plan.remove.push_back(backup.name);
      return true;
    });
  };
  std::set<MicroTime> kept;  // a file and its compressed form count once
  if (options.max_backups > 0) {
    remove_if([&](const Backup& backup) {
      kept.insert(backup.time);
      return std::cmp_greater(kept.size(), options.max_backups);
    });
  }
  if (options.max_age_days > 0) {
    MicroTime days = std::min<MicroTime>(options.max_age_days, now / kDay);
    remove_if([&](const Backup& backup) { return backup.time < now - days * kDay; });
  }
  for (const Backup& backup : backups) {
    if (options.compress && !backup.compressed) plan.compress.push_back(backup.name);
  }
  return plan;
}

RotatingFile::RotatingFile(RotationOptions options, const Clock& clock)
    : options_(std::move(options)), clock_(clock) {}

Result<void> RotatingFile::write(std::string_view line) {
  if (std::cmp_greater(line.size(), options_.max_bytes)) {
    return ApiStatus::internal("write length " + std::to_string(line.size()) +
                               " exceeds maximum file size " + std::to_string(options_.max_bytes));
  }
  Result<void> ready;
  if (!file_) {
    ready = open(line.size());
  } else if (file_->size() + static_cast<int64_t>(line.size()) > options_.max_bytes) {
    ready = rotate();
  }
  if (!ready) return ready;
  return file_->write(line);
}

// The file as an earlier run left it, if there is room in it.
Result<void> RotatingFile::open(size_t bytes) {
  untidy_ = keeps_order();
  if (!os::exists(options_.path)) return create(kFileMode);
  TIPHYS_TRY(os::AppendFile, file, os::AppendFile::open(options_.path, kFileMode));
  if (file.size() + static_cast<int64_t>(bytes) >= options_.max_bytes) return rotate();
  file_ = std::move(file);
  return {};
}

Result<void> RotatingFile::rotate() {
  file_.reset();
  untidy_ = keeps_order();
  if (!os::exists(options_.path)) return create(kFileMode);
  TIPHYS_TRY(int, mode, os::file_mode(options_.path));
  PathParts parts = split_path(options_.path);
  MicroTime now = clock_.wall();
  std::string aside = parts.dir + "/" + backup_name(parts.name, now);
  while (os::exists(aside) || os::exists(aside + std::string(kCompressed))) {
    now += kMicrosPerMilli;
    aside = parts.dir + "/" + backup_name(parts.name, now);
  }
  if (auto moved = os::rename_path(options_.path, aside); !moved) return moved;
  return create(mode);
}

Result<void> RotatingFile::create(int mode) {
  if (auto made = os::make_dirs(split_path(options_.path).dir, kDirMode); !made) return made;
  TIPHYS_TRY(os::AppendFile, file, os::AppendFile::open(options_.path, mode));
  file_ = std::move(file);
  return {};
}

Result<void> RotatingFile::tidy() {
  untidy_ = false;
  PathParts parts = split_path(options_.path);
  TIPHYS_TRY(std::vector<std::string>, files, os::list_dir(parts.dir));
  TidyPlan plan = plan_tidying(options_, find_backups(parts.name, files), clock_.wall());
  Result<void> result;
  for (const std::string& name : plan.remove) {
    Result<void> done = os::remove_file(parts.dir + "/" + name);
    if (!done) result = done;
  }
  for (const std::string& name : plan.compress) {
    Result<void> done = compress(parts.dir + "/" + name);
    if (!done) result = done;
  }
  return result;
}

}  // namespace tiphys::apiserver::audit
