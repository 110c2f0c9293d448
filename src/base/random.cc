#include "base/random.h"

#include <sys/random.h>

#include <bit>
#include <cerrno>
#include <cstdlib>
#include <string_view>

namespace tiphys {

uint64_t Random::below(uint64_t bound) {
  // Rejection keeps it uniform: values under 2^64 mod bound are drawn again.
  uint64_t threshold = (0 - bound) % bound;
  while (true) {
    uint64_t value = next();
    if (value >= threshold) return value % bound;
  }
}

std::string Random::uuid() {
  uint64_t words[2] = {next(), next()};
  words[0] = (words[0] & ~0xf000ull) | 0x4000ull;
  words[1] = (words[1] & ~(3ull << 62)) | (2ull << 62);
  std::string out;
  out.reserve(36);
  for (int i = 0; i < 32; ++i) {
    if (i == 8 || i == 12 || i == 16 || i == 20) out += '-';
    out += "0123456789abcdef"[words[i / 16] >> (60 - 4 * (i % 16)) & 15];
  }
  return out;
}

std::string Random::name_suffix(int n) {
  static constexpr std::string_view kAlphabet = "bcdfghjklmnpqrstvwxz2456789";
  std::string out;
  for (int i = 0; i < n; ++i) out += kAlphabet[below(kAlphabet.size())];
  return out;
}

uint64_t SystemRandom::next() {
  if (left_ == 0) {
    size_t filled = 0;
    while (filled < sizeof(buffer_)) {
      ssize_t n = getrandom(reinterpret_cast<char*>(buffer_) + filled, sizeof(buffer_) - filled, 0);
      if (n > 0) {
        filled += static_cast<size_t>(n);
      } else if (errno != EINTR) {
        std::abort();  // no safe way to go on without randomness
      }
    }
    left_ = static_cast<int>(std::size(buffer_));
  }
  return buffer_[--left_];
}

SeededRandom::SeededRandom(uint64_t seed) {
  for (uint64_t& word : state_) {  // splitmix64
    seed += 0x9e3779b97f4a7c15ull;
    uint64_t z = seed;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    word = z ^ (z >> 31);
  }
}

uint64_t SeededRandom::next() {
  uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
  uint64_t t = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= t;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

}  // namespace tiphys
