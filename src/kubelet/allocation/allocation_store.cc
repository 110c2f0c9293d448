#include "kubelet/allocation/allocation_store.h"

#include "base/log.h"
#include "os/files.h"

namespace tiphys::kubelet {

void AllocationStore::load() {
  if (!os::exists(path_)) return;
  Result<std::string> text = os::read_regular_file(path_, kMaxCheckpointBytes);
  Result<Allocations> read = text ? decode_checkpoint(*text) : text.error();
  if (read) {
    all_ = std::move(*read);
  } else {
    std::string aside = path_ + ".corrupt";
    bool moved = os::rename_path(path_, aside).has_value();
    LOG_ERROR("Checkpoint can't be used and is set aside", {"path", moved ? aside : path_},
              {"err", read.error()});
  }
}

const Allocation* AllocationStore::find(std::string_view uid) const {
  auto found = all_.find(uid);
  return found == all_.end() ? nullptr : &found->second;
}

void AllocationStore::set(const std::string& uid, Allocation allocation) {
  all_.insert_or_assign(uid, std::move(allocation));
  ++changes_;
}

void AllocationStore::set(const std::string& uid, const std::string& container, Amounts amounts) {
  all_[uid].insert_or_assign(container, std::move(amounts));
  ++changes_;
}

void AllocationStore::remove(std::string_view uid) {
  auto found = all_.find(uid);
  if (found == all_.end()) return;
  all_.erase(found);
  ++changes_;
}

void AllocationStore::keep_only(const std::set<std::string>& uids) {
  if (std::erase_if(all_, [&](const auto& one) { return !uids.contains(one.first); }) > 0) {
    ++changes_;
  }
}

Task<Result<void>> AllocationStore::written() {
  uint64_t wanted = changes_;
  while (saved_ < wanted) {
    if (writing_) {
      (void)co_await done_.wait();
      continue;
    }
    writing_ = true;
    uint64_t change = changes_;
    Result<void> done =
        co_await run_blocking(loop_, pool_, [path = path_, text = encode_checkpoint(all_)] {
          return os::write_file_atomic(path, text, 0600);
        });
    writing_ = false;
    if (done) saved_ = change;
    done_.set();
    done_.reset();
    if (!done) co_return done;
  }
  co_return Result<void>();
}

}  // namespace tiphys::kubelet
