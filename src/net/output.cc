#include "net/output.h"

namespace tiphys::net {

namespace {
constexpr size_t kSpareBuffers = 4;
constexpr size_t kMaxSpareBytes = 4 * kOutputHighBytes;
}  // namespace

std::string BufferPool::take() {
  if (spare_.empty()) return {};
  std::string buffer = std::move(spare_.back());
  spare_.pop_back();
  return buffer;
}

void BufferPool::give(std::string buffer) {
  if (spare_.size() >= kSpareBuffers || buffer.capacity() > kMaxSpareBytes) return;
  buffer.clear();
  spare_.push_back(std::move(buffer));
}

std::string& Output::text() {
  if (first_ == segments_.size() || segments_.back().shared) {
    segments_.push_back({pool_->take(), nullptr});
  }
  return segments_.back().text;
}

void Output::append(std::string_view bytes) {
  text().append(bytes);
  pending_ += bytes.size();
}

void Output::append_shared(Bytes body) {
  if (!body || body->empty()) return;
  if (body->size() < kSharedSegmentBytes) return append(*body);
  pending_ += body->size();
  segments_.push_back({{}, std::move(body)});
}

ssize_t Output::write_to(Wire& wire) {
  while (first_ < segments_.size()) {
    std::string_view bytes = segments_[first_].bytes().substr(offset_);
    if (bytes.empty()) {
      if (!segments_[first_].shared) pool_->give(std::move(segments_[first_].text));
      segments_[first_] = {};
      ++first_;
      offset_ = 0;
      continue;
    }
    ssize_t n = wire.write(bytes.data(), bytes.size());
    if (n <= 0) return n == 0 ? Wire::kBroken : n;
    offset_ += static_cast<size_t>(n);
    pending_ -= static_cast<size_t>(n);
  }
  segments_.clear();
  first_ = 0;
  return Wire::kEnd;
}

void Output::clear() {
  segments_ = {};
  first_ = offset_ = pending_ = 0;
}

}  // namespace tiphys::net
