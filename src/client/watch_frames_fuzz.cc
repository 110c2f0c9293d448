// The bytes of a watch answer, cut anywhere: events or an error, never a crash.
#include "client/watch_frames.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using tiphys::client::WatchFrames;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  for (auto format : {WatchFrames::Format::kJsonLines, WatchFrames::Format::kProtobuf}) {
    WatchFrames frames(format);
    bool broken = false;
    for (std::string_view part : {text.substr(0, size / 2), text.substr(size / 2)}) {
      frames.feed(part);
      while (!broken) {
        auto event = frames.next();
        broken = !event;
        if (broken || !*event) break;
      }
    }
  }
  return 0;
}
