// The pages of the program's own code and constants that are mapped just now.
#pragma once

namespace tiphys::os {

// Gives them back to the kernel, which keeps the file's pages while it has room: what runs is
// mapped again at its next use, what ran once (start, configuration) is not. Thread-safe; changes
// nothing but resident memory.
void give_back_program_pages();

}  // namespace tiphys::os
