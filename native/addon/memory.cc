// The C library's heap, which Node does not look after.
#include "addon/memory.h"

#include <malloc.h>

namespace lichen::addon {

namespace {

// trimMemory(): gives free memory of all heaps back to the system. glibc keeps what ended threads have freed.
void trim_memory(const Napi::CallbackInfo&) {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
}

}  // namespace

void add_memory(Napi::Env env, Napi::Object exports) {
  exports.Set("trimMemory", Napi::Function::New(env, trim_memory, "trimMemory"));
}

}  // namespace lichen::addon
