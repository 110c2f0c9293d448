// JsonText: writes compact JSON, placing the commas. Values are not checked against each other: a
// key is followed by one value, what is opened is closed.
#pragma once
#include <string>
#include <string_view>

#include "codec/codec.h"

namespace tiphys::apiserver {

class JsonText {
 public:
  JsonText& open(char bracket) {
    separate();
    text_ += bracket;
    return *this;
  }
  JsonText& close(char bracket) {
    text_ += bracket;
    return *this;
  }
  JsonText& key(std::string_view name) {
    separate();
    codec::append_json_string(name, text_);
    text_ += ':';
    return *this;
  }
  JsonText& text(std::string_view value) {
    separate();
    codec::append_json_string(value, text_);
    return *this;
  }
  JsonText& raw(std::string_view json) {  // one value as it is
    separate();
    text_ += json;
    return *this;
  }
  JsonText& member(std::string_view name, std::string_view value) { return key(name).text(value); }
  std::string take() { return std::move(text_); }

 private:
  void separate() {
    if (text_.empty()) return;
    char last = text_.back();
    if (last != '{' && last != '[' && last != ':') text_ += ',';
  }
  std::string text_;
};

}  // namespace tiphys::apiserver
