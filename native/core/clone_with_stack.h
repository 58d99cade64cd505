// clone3(2) for a child that shares the parent's memory, which glibc does not offer.
#pragma once

#include <linux/sched.h>
#include <sys/syscall.h>

#include <cstddef>

namespace lichen {

// clone3 with `arguments.stack` set: the child begins in `child(data)` on that stack and must not return from
// it. Answers the child's PID, or a negative errno. By hand, because a child on another stack cannot come
// back through a C function.
inline long clone_with_stack(clone_args& arguments, void (*child)(void*), void* data) {
#if defined(__x86_64__)
  long result = SYS_clone3;
  asm volatile(
      "syscall\n\t"
      "test %%rax, %%rax\n\t"
      "jnz 1f\n\t"
      "xor %%ebp, %%ebp\n\t"  // the outermost frame, for unwinders
      "mov %[data], %%rdi\n\t"
      "call *%[child]\n\t"
      "hlt\n"
      "1:"
      : "+a"(result)
      : "D"(&arguments), "S"(sizeof arguments), [child] "r"(child), [data] "r"(data)
      : "rcx", "r11", "memory", "cc");
  return result;
#elif defined(__aarch64__)
  register long number asm("x8") = SYS_clone3;
  register long result asm("x0") = reinterpret_cast<long>(&arguments);
  register size_t size asm("x1") = sizeof arguments;
  asm volatile(
      "svc #0\n\t"
      "cbnz x0, 1f\n\t"
      "mov x29, xzr\n\t"  // the outermost frame, for unwinders
      "mov x0, %[data]\n\t"
      "blr %[child]\n\t"
      "brk #0\n"
      "1:"
      : "+r"(result)
      : "r"(number), "r"(size), [child] "r"(child), [data] "r"(data)
      : "memory", "cc");
  return result;
#else
#error "clone_with_stack: unknown processor"
#endif
}

}  // namespace lichen
