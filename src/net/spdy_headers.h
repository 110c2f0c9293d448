// Header blocks of SPDY/3.1, packed with zlib and SPDY's dictionary. Pure.
// Source: SPDY Protocol Draft 3.1, 2.6.10 "Name/Value Header Block".
//
// Hostile input: a block that unpacks to more than kMaxSpdyHeaderBytes, has more than
// kMaxSpdyHeaders fields, ends the zlib stream or asks for another dictionary is an error. Blocks
// of one connection are one zlib stream: after an error the connection can't be read on.
#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "net/http.h"

struct z_stream_s;

namespace tiphys::net {

inline constexpr size_t kMaxSpdyHeaderBytes = 64 * 1024;  // of a block, unpacked
inline constexpr size_t kMaxSpdyHeaders = 100;

// The dictionary's bytes: lower case field names with their lengths, and frequent values.
std::string_view spdy_dictionary();

class SpdyHeaderPacker {
 public:
  SpdyHeaderPacker();
  // Error: out of memory.
  Result<std::string> pack(const Headers& headers);

 private:
  struct Free {
    void operator()(z_stream_s* stream) const;
  };
  std::unique_ptr<z_stream_s, Free> stream_;  // null: zlib refused
};

class SpdyHeaderUnpacker {
 public:
  SpdyHeaderUnpacker();
  // Error: BadRequest, for good.
  Result<Headers> unpack(std::string_view block);

 private:
  Result<std::string> inflate_block(std::string_view block);
  struct Free {
    void operator()(z_stream_s* stream) const;
  };
  std::unique_ptr<z_stream_s, Free> stream_;
};

}  // namespace tiphys::net
