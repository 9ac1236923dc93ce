// What a C++ runtime library would bring, for a binary that needs none: no exception is ever thrown, so no symbol of
// libstdc++ is wanted, and one file loads on every glibc and on musl. Built for Linux only (binding.gyp).
#include <stddef.h>
#include <stdlib.h>

#include <string>

void* operator new(size_t size) {
  void* memory = malloc(size ? size : 1);
  if (!memory) abort();
  return memory;
}
void* operator new[](size_t size) { return operator new(size); }
void operator delete(void* memory) noexcept { free(memory); }
void operator delete[](void* memory) noexcept { free(memory); }
void operator delete(void* memory, size_t) noexcept { free(memory); }
void operator delete[](void* memory, size_t) noexcept { free(memory); }

extern "C" void __cxa_pure_virtual() { abort(); }

namespace std {
void __throw_length_error(const char*) { abort(); }
void __throw_logic_error(const char*) { abort(); }
void __throw_out_of_range(const char*) { abort(); }
void __throw_out_of_range_fmt(const char*, ...) { abort(); }
void __throw_invalid_argument(const char*) { abort(); }
void __throw_bad_alloc() { abort(); }
void __throw_bad_array_new_length() { abort(); }
void __throw_bad_function_call() { abort(); }
}  // namespace std

// The compiler takes these from libstdc++ wherever it does not inline them, which depends on how it optimizes.
template class std::allocator<char>;
template class std::basic_string<char>;
