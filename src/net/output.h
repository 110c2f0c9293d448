// Output: bytes on their way to a Wire: text that was gathered, and shared bodies that aren't
// copied. Loop thread only.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "net/http.h"
#include "net/wire.h"

namespace tiphys::net {

inline constexpr size_t kOutputHighBytes = 64 * 1024;    // producers pause above it
inline constexpr size_t kSharedSegmentBytes = 8 * 1024;  // smaller bodies are copied: fewer writes

// A few buffers that connections of one loop lend each other, so that an idle one has none.
class BufferPool {
 public:
  std::string take();
  void give(std::string buffer);

 private:
  std::vector<std::string> spare_;
};

class Output {
 public:
  explicit Output(BufferPool& pool) : pool_(&pool) {}
  Output(Output&&) = default;
  ~Output() { clear(); }
  void append(std::string_view text);
  void append_shared(Bytes body);
  // Where text may be appended directly; call added() after.
  std::string& text();
  void added(size_t bytes) { pending_ += bytes; }
  size_t pending() const { return pending_; }
  // kEnd: all is written; kAgain; kBroken.
  ssize_t write_to(Wire& wire);
  void clear();

 private:
  struct Segment {
    std::string text;
    Bytes shared;
    std::string_view bytes() const { return shared ? *shared : text; }
  };
  BufferPool* pool_;
  std::vector<Segment> segments_;
  size_t first_ = 0;   // segment being written
  size_t offset_ = 0;  // in it
  size_t pending_ = 0;
};

}  // namespace tiphys::net
