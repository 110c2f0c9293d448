// The bytes of a watch answer, cut anywhere: events or an error, never a crash.
#include "client/watch_frames.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using tiphys::client::WatchFrames;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  using As = tiphys::client::Request::As;
  for (bool json : {true, false}) {
    bool metadata = size % 2 == 0;
    WatchFrames frames(json ? WatchFrames::Format::kJsonLines : WatchFrames::Format::kProtobuf,
                       metadata ? As::kMetadata : As::kObject);
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
