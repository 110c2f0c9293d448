// pause: the process that holds a pod's namespaces. Freestanding (no libc), so that it is a few
// hundred bytes: reaps orphans where the pod shares its process namespace, ends on SIGTERM and
// SIGINT.
#define SIG_BIT(n) (1UL << ((n) - 1))
enum { kSigInt = 2, kSigTerm = 15, kSigChld = 17, kSigBlock = 0, kNoHang = 1 };

#if defined(__x86_64__)
enum { kSigprocmask = 14, kWait4 = 61, kSigtimedwait = 128, kExitGroup = 231 };
static long call(long n, long a, long b, long c, long d) {
  long result;
  register long r10 __asm__("r10") = d;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10)
                   : "rcx", "r11", "memory");
  return result;
}
#elif defined(__aarch64__)
enum { kSigprocmask = 135, kWait4 = 260, kSigtimedwait = 137, kExitGroup = 94 };
static long call(long n, long a, long b, long c, long d) {
  register long x8 __asm__("x8") = n;
  register long x0 __asm__("x0") = a;
  register long x1 __asm__("x1") = b;
  register long x2 __asm__("x2") = c;
  register long x3 __asm__("x3") = d;
  __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory");
  return x0;
}
#else
#error "pause.c knows the system calls of x86_64 and aarch64"
#endif

void _start(void) {
  // As process 1 of a namespace only signals that are waited for or handled arrive at all.
  unsigned long set = SIG_BIT(kSigInt) | SIG_BIT(kSigTerm) | SIG_BIT(kSigChld);
  call(kSigprocmask, kSigBlock, (long)&set, 0, sizeof set);
  for (;;) {
    long number = call(kSigtimedwait, (long)&set, 0, 0, sizeof set);
    if (number == kSigInt || number == kSigTerm) call(kExitGroup, 0, 0, 0, 0);
    while (call(kWait4, -1, 0, kNoHang, 0) > 0) {
    }
  }
}
