// Text in HTML.
#pragma once
#include <string>
#include <string_view>

namespace tiphys {

// & < > as entities, and with `quotes` both quotes too, as Go's html.EscapeString.
std::string html_escape(std::string_view text, bool quotes);

}  // namespace tiphys
