#include "kubelet/volumes/atomic_writer.h"

#include <sys/stat.h>

#include <algorithm>
#include <set>

#include "base/strings.h"
#include "os/attributes.h"
#include "os/files.h"

namespace tiphys::kubelet {
namespace {

constexpr const char* kDataLink = "..data";

std::string parent_of(const std::string& path) { return path.substr(0, path.rfind('/')); }

std::string stamp(MicroTime now) {
  time_t seconds = now / kMicrosPerSecond;
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char out[64];
  std::snprintf(out, sizeof out, "..%04d_%02d_%02d_%02d_%02d_%02d.%06d", parts.tm_year + 1900,
                parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
                static_cast<int>(now % kMicrosPerSecond));
  return out;
}

int effective_mode(int mode, int64_t gid) { return gid >= 0 ? mode | 0440 : mode; }

Result<void> write_one(const std::string& path, const PayloadFile& file, int64_t gid) {
  Result<void> made = os::make_dirs(parent_of(path));
  if (!made) return made;
  Result<void> written = os::write_file(path, file.data, 0600);
  if (written && (gid >= 0 || file.uid >= 0)) {
    written = os::change_owner_of_link(path, file.uid, gid);
  }
  if (!written) return written;
  // After the change of owner, which drops bits.
  return os::change_mode(path, effective_mode(file.mode, gid));
}

// Folders belong to the group, too, and so does what is made in them.
Result<void> give_folders(const std::string& root, const Payload& payload, int64_t gid) {
  std::set<std::string> folders = {root};
  for (const auto& [path, file] : payload) {
    for (size_t at = path.find('/'); at != std::string::npos; at = path.find('/', at + 1)) {
      folders.insert(root + "/" + path.substr(0, at));
    }
  }
  for (const std::string& folder : folders) {
    Result<void> given = os::change_group(folder, gid);
    if (given) given = os::change_mode(folder, 02755);
    if (!given) return given;
  }
  return {};
}

Result<void> write_all(const std::string& root, const Payload& payload, int64_t gid) {
  Result<void> done = os::make_dirs(root, 0755);
  for (const auto& [path, file] : payload) {
    if (done) done = write_one(root + "/" + path, file, gid);
  }
  if (done && gid >= 0) done = give_folders(root, payload, gid);
  return done;
}

// Files below a folder, by relative path.
void list_files(const std::string& folder, const std::string& prefix, std::set<std::string>& out) {
  Result<std::vector<std::string>> names = os::list_dir(folder);
  if (!names) return;
  for (const std::string& name : *names) {
    if (os::is_directory(folder + "/" + name)) {
      list_files(folder + "/" + name, prefix + name + "/", out);
    } else {
      out.insert(prefix + name);
    }
  }
}

bool is_current(const std::string& data, const Payload& payload, int64_t gid) {
  std::set<std::string> present;
  list_files(data, "", present);
  if (present.size() != payload.size()) return false;
  for (const auto& [path, file] : payload) {
    struct stat info{};
    if (!present.contains(path) || ::stat((data + "/" + path).c_str(), &info) != 0) return false;
    if ((info.st_mode & 0777) != static_cast<mode_t>(effective_mode(file.mode, gid) & 0777))
      return false;
    if (gid >= 0 && info.st_gid != static_cast<gid_t>(gid)) return false;
    Result<std::string> bytes = os::read_file(data + "/" + path);
    if (!bytes || *bytes != file.data) return false;
  }
  return true;
}

std::set<std::string> top_names(const Payload& payload) {
  std::set<std::string> out;
  for (const auto& [path, file] : payload) out.insert(path.substr(0, path.find('/')));
  return out;
}

Result<void> switch_link(const std::string& folder, const std::string& target) {
  std::string fresh = folder + "/..data_tmp";
  Result<void> removed = os::remove_file(fresh);
  if (!removed) return removed;
  Result<void> linked = os::make_symlink(target, fresh);
  if (!linked) return linked;
  return os::rename_path(fresh, folder + "/" + kDataLink);
}

Result<void> write_links(const std::string& folder, const std::set<std::string>& names) {
  for (const std::string& name : names) {
    std::string target = std::string(kDataLink) + "/" + name;
    Result<std::string> present = os::read_link(folder + "/" + name);
    if (present && *present == target) continue;
    (void)os::remove_tree(folder + "/" + name);
    Result<void> linked = os::make_symlink(target, folder + "/" + name);
    if (!linked) return linked;
  }
  return {};
}

Result<void> remove_stale(const std::string& folder, const std::set<std::string>& names,
                          const std::string& current) {
  TIPHYS_TRY(std::vector<std::string>, present, os::list_dir(folder));
  for (const std::string& name : present) {
    if (name == kDataLink || name == current || names.contains(name)) continue;
    Result<void> removed = os::remove_tree(folder + "/" + name);
    if (!removed) return removed;
  }
  return {};
}

}  // namespace

Result<bool> write_payload(const PayloadTarget& target, const Payload& payload, MicroTime now) {
  const std::string& folder = target.folder;
  std::string link = folder + "/" + kDataLink;
  Result<std::string> old = os::read_link(link);
  std::set<std::string> names = top_names(payload);
  if (old && is_current(link, payload, target.gid)) {
    Result<void> linked = write_links(folder, names);
    if (!linked) return linked.error();
    return false;
  }
  std::string fresh = stamp(now);
  while (os::exists(folder + "/" + fresh)) fresh += "0";
  Result<void> done = write_all(folder + "/" + fresh, payload, target.gid);
  if (!done) {
    (void)os::remove_tree(folder + "/" + fresh);  // a full disk must not keep half of it
    return done.error();
  }
  done = switch_link(folder, fresh);
  if (done) done = write_links(folder, names);
  names.insert(target.keep.begin(), target.keep.end());
  if (done) done = remove_stale(folder, names, fresh);
  if (!done) return done.error();
  return true;
}

}  // namespace tiphys::kubelet
