// What the writer program tells the driver through a pipe: before each write what it is about to do
// (revision 0), and after the store has answered that it is done.
#pragma once
#include <cstdint>

namespace tiphys::tests {

struct Acknowledgement {
  int64_t key = 0;    // "/crash/<key>"
  int64_t value = 0;  // the text stored; -1: the key was deleted
  // Of the write; 0: it is only about to begin. Key -1: the store's when it was opened.
  int64_t revision = 0;
};
static_assert(sizeof(Acknowledgement) == 24);  // pipes keep records up to 4 KiB whole

inline constexpr int kCrashKeys = 208;
inline constexpr int kCrashTasks = 16;  // each has keys of its own: key % kCrashTasks

}  // namespace tiphys::tests
