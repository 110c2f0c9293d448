#include "os/program_pages.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>

// By the linker: from the first byte of the program's file to the end of its code. What is written
// to (relocations, data) lies behind.
extern "C" const char __executable_start;
extern "C" const char etext;

namespace tiphys::os {

void give_back_program_pages() {
  const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  uintptr_t from = reinterpret_cast<uintptr_t>(&__executable_start);
  uintptr_t to = reinterpret_cast<uintptr_t>(&etext) & ~(page - 1);
  if (from < to) (void)madvise(reinterpret_cast<void*>(from), to - from, MADV_DONTNEED);
}

}  // namespace tiphys::os
