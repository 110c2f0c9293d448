// Random: an injected source of randomness. Names, tokens and jitter take it from here.
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace tiphys {

class Random {
 public:
  virtual ~Random() = default;
  virtual uint64_t next() = 0;  // uniform over all 64-bit values
  // Uniform in [0, bound). Requires: bound > 0.
  uint64_t below(uint64_t bound);
  // A random version 4 UUID, as uid fields hold it.
  std::string uuid();
  // n characters of Kubernetes' generated-name alphabet (bcdfghjklmnpqrstvwxz2456789).
  std::string name_suffix(int n = 5);
};

// getrandom(2) behind a buffer. One thread only.
class SystemRandom : public Random {
 public:
  uint64_t next() override;

 private:
  uint64_t buffer_[64];
  int left_ = 0;
};

// Deterministic (xoshiro256**), for tests and simulation. One thread only.
class SeededRandom : public Random {
 public:
  explicit SeededRandom(uint64_t seed);
  uint64_t next() override;

 private:
  uint64_t state_[4];
};

}  // namespace tiphys
