/* User-mode Linux 6.1 keeps 2696 bytes of a process's vector registers, enough up to AVX-512. On a processor with AMX the host
 * kernel insists on all of its 11008 bytes in PTRACE_SETREGSET and answers EFAULT, and UML dies at its first process. This goes
 * before libc's ptrace by LD_PRELOAD and makes such a request whole: with zeros, which mean "not in use", for what UML does not
 * know. Its guests cannot use AMX anyway: that takes an arch_prctl which UML has not got.
 * Built by test/support/uml.ts, where the processor has AMX:  cc -shared -fPIC -O2 -nostdlib */
typedef unsigned long size;
struct iovec { void *base; size length; };

enum { SYS_PTRACE = 101, PEEK_FIRST = 1, PEEK_LAST = 3, PTRACE_GETREGSET = 0x4204, PTRACE_SETREGSET = 0x4205, NT_X86_XSTATE = 0x202, EFAULT = 14 };

extern long syscall(long number, ...);
extern int *__errno_location(void);

/* Not on the stack: UML's kernel stacks are small. One at a time: UML has one CPU. */
static unsigned char whole[65536];

long ptrace(int request, int pid, void *address, void *data) {
  long peeked; /* libc gives what was peeked as its answer; the system call writes it through the pointer. */
  if (request >= PEEK_FIRST && request <= PEEK_LAST)
    return syscall(SYS_PTRACE, request, pid, address, &peeked) < 0 ? -1 : (*__errno_location() = 0, peeked);
  long result = syscall(SYS_PTRACE, request, pid, address, data);
  if (result == 0 || request != PTRACE_SETREGSET || (size)address != NT_X86_XSTATE || *__errno_location() != EFAULT)
    return result;
  const struct iovec *given = data;
  struct iovec all = {whole, sizeof whole};
  /* How much the host wants is what it gives. */
  if (syscall(SYS_PTRACE, PTRACE_GETREGSET, pid, address, &all) != 0 || all.length < given->length) return result;
  for (size i = 0; i < all.length; i++) whole[i] = i < given->length ? ((const unsigned char *)given->base)[i] : 0;
  return syscall(SYS_PTRACE, PTRACE_SETREGSET, pid, address, &all);
}
