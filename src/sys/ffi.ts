/** The only foreign function declarations of Gingham. A wrong signature here is a segmentation fault, so each is
 *  wrapped by one typed function, and nothing else may load koffi. Not pure: these are system calls.
 *  koffi 3 has no ssize_t (hence `long`), and variadic libc functions are declared with the arguments we use. */
import { createRequire } from 'node:module';
import type koffi from 'koffi';

type Koffi = typeof koffi;

/** Of x86; where pages are larger, the kernel refuses what begins between two, and the advice is not followed. */
const PAGE = 4096;
let loaded: Koffi | undefined;

/** On first use: what needs none of these calls runs where koffi is not installed, or has no binary for the machine. */
function k(): Koffi {
  loaded ??= createRequire(import.meta.url)('koffi') as Koffi;
  return loaded;
}

let fault: string | undefined;
/** Why no foreign function can be called here; undefined where they can. */
export function ffiFault(): string | undefined {
  if (declared !== undefined || fault !== undefined) return fault;
  if (process.platform !== 'linux') fault = `our calls are Linux's, and this is ${process.platform}`;
  else
    try {
      c();
    } catch (error) {
      fault = error instanceof Error ? (error.message.split('\n', 1)[0] ?? '') : String(error);
    }
  return fault;
}

const declare = (libc: ReturnType<Koffi['load']>) => ({
  socket: libc.func('int socket(int, int, int)'),
  socketpair: libc.func('int socketpair(int, int, int, void *)'),
  bind: libc.func('int bind(int, const void *, uint32_t)'),
  connect: libc.func('int connect(int, const void *, uint32_t)'),
  setsockopt: libc.func('int setsockopt(int, int, int, const void *, uint32_t)'),
  getsockopt: libc.func('int getsockopt(int, int, int, void *, void *)'),
  getsockname: libc.func('int getsockname(int, void *, void *)'),
  send: libc.func('long send(int, const void *, size_t, int)'),
  sendto: libc.func('long sendto(int, const void *, size_t, int, const void *, uint32_t)'),
  recv: libc.func('long recv(int, void *, size_t, int)'),
  recvfrom: libc.func('long recvfrom(int, void *, size_t, int, void *, void *)'),
  dup3: libc.func('int dup3(int, int, int)'),
  close: libc.func('int close(int)'),
  open: libc.func('int open(const char *, int)'),
  setns: libc.func('int setns(int, int)'),
  ioctl: libc.func('int ioctl(int, unsigned long, void *)'),
  poll: libc.func('int poll(void *, unsigned long, int)'),
  unshare: libc.func('int unshare(int)'),
  mount: libc.func('int mount(const char *, const char *, const char *, unsigned long, const char *)'),
  umount2: libc.func('int umount2(const char *, int)'),
  madvise: libc.func('int madvise(uintptr_t, size_t, int)'),
  waitpid: libc.func('int waitpid(int, void *, int)'),
  syscall: libc.func('long syscall(long, int, void *, uint32_t)'),
});
let declared: ReturnType<typeof declare> | undefined;
function c(): ReturnType<typeof declare> {
  declared ??= declare(k().load(null));
  return declared;
}

/** A failed system call: which one, on what, and the kernel's errno as a number and as a name. */
export class SysError extends Error {
  override readonly name = 'SysError';
  readonly call: string;
  readonly errno: number;
  readonly code: string;

  constructor(call: string, errno: number) {
    const code = errnoName(errno);
    super(`${call}: ${code} (errno ${errno})`);
    this.call = call;
    this.errno = errno;
    this.code = code;
  }
}

let errnoNames: ReadonlyMap<number, string> | undefined;
export function errnoName(errno: number): string {
  errnoNames ??= new Map(Object.entries(k().os.errno).map(([name, n]) => [n, name]));
  return errnoNames.get(errno) ?? `E${errno}`;
}

function check(call: string, result: number): number {
  if (result < 0) throw new SysError(call, k().errno());
  return result;
}

export const socket = (domain: number, type: number, protocol: number): number =>
  check('socket', c().socket(domain, type, protocol));

export function socketpair(domain: number, type: number): [number, number] {
  const pair = Buffer.alloc(8);
  check('socketpair', c().socketpair(domain, type, 0, pair));
  return [pair.readInt32LE(0), pair.readInt32LE(4)];
}

export const bind = (fd: number, address: Uint8Array): void =>
  void check('bind', c().bind(fd, address, address.length));
export const connect = (fd: number, address: Uint8Array): void =>
  void check('connect', c().connect(fd, address, address.length));

export const setsockopt = (fd: number, level: number, name: number, value: Uint8Array): void =>
  void check('setsockopt', c().setsockopt(fd, level, name, value, value.length));

/** Written for each call anew: a socket of each peer has several options, and memory of their own for each was a third of what
 *  dialling cost. */
const int32 = Buffer.alloc(4);
export const setsockoptInt = (fd: number, level: number, name: number, value: number): void => {
  int32.writeInt32LE(value);
  setsockopt(fd, level, name, int32);
};

export function getsockoptInt(fd: number, level: number, name: number): number {
  const v = Buffer.alloc(4);
  const length = Buffer.alloc(4);
  length.writeInt32LE(4);
  check('getsockopt', c().getsockopt(fd, level, name, v, length));
  return v.readInt32LE(0);
}

/** At most `most` octets of an option that is not a number. */
export function getsockopt(fd: number, level: number, name: number, most: number): Buffer {
  const value = Buffer.alloc(most);
  const length = Buffer.alloc(4);
  length.writeInt32LE(most);
  check('getsockopt', c().getsockopt(fd, level, name, value, length));
  return value.subarray(0, length.readInt32LE(0));
}

/** The bound address as the kernel's sockaddr bytes. */
export function getsockname(fd: number): Buffer {
  const address = Buffer.alloc(128);
  const length = Buffer.alloc(4);
  length.writeInt32LE(address.length);
  check('getsockname', c().getsockname(fd, address, length));
  return address.subarray(0, length.readInt32LE(0));
}

/** Bytes sent, or -errno: the caller on a hot path wants no exception for EAGAIN. */
export function send(fd: number, bytes: Uint8Array, length: number, flags: number): number {
  const n = Number(c().send(fd, bytes, length, flags));
  return n < 0 ? -k().errno() : n;
}
/** The same on a thread of libuv's pool, for a message that makes the kernel wait. The bytes must not change meanwhile. */
export const sendOnThread = (fd: number, bytes: Uint8Array, flags: number): Promise<number> =>
  new Promise((resolve) => {
    c().send.async(fd, bytes, bytes.length, flags, (error: unknown, n: unknown) => {
      resolve(error === null || error === undefined ? Number(n) : -EIO);
    });
  });
const EIO = 5;
export function sendto(fd: number, bytes: Uint8Array, length: number, flags: number, address: Uint8Array): number {
  const n = Number(c().sendto(fd, bytes, length, flags, address, address.length));
  return n < 0 ? -k().errno() : n;
}
/** Bytes received (0 is end of file), or -errno. */
export function recv(fd: number, into: Uint8Array, length: number, flags: number): number {
  const n = Number(c().recv(fd, into, length, flags));
  return n < 0 ? -k().errno() : n;
}

/** The same, and the sender's sockaddr into `from`. */
export function recvfrom(fd: number, into: Uint8Array, flags: number, from: Uint8Array): number {
  const length = Buffer.alloc(4);
  length.writeInt32LE(from.length);
  const n = Number(c().recvfrom(fd, into, into.length, flags, from, length));
  return n < 0 ? -k().errno() : n;
}

export const dup3 = (from: number, to: number, flags: number): void => void check('dup3', c().dup3(from, to, flags));
export const close = (fd: number): void => void c().close(fd);
export const open = (path: string, flags: number): number => check(`open ${path}`, c().open(path, flags));
export const setns = (fd: number, kind: number): void => void check('setns', c().setns(fd, kind));
export const ioctl = (fd: number, request: number, argument: Uint8Array): number =>
  check('ioctl', c().ioctl(fd, request, argument));

/** Moves the calling thread alone into new namespaces; a user namespace is refused (EINVAL), because Node.js has threads. */
export const unshare = (flags: number): void => void check('unshare', c().unshare(flags));
export const mount = (source: string, target: string, type: string, flags: number, data = ''): void =>
  void check(`mount ${type || source} on ${target}`, c().mount(source, target, type, flags, data));
export const umount2 = (target: string, flags: number): void =>
  void check(`umount ${target}`, c().umount2(target, flags));

const WNOHANG = 1;
/** Takes the exit status of one dead child that libuv does not know (PID 1 inherits orphans). False: it has not ended. */
export const reap = (pid: number): boolean => c().waitpid(pid, Buffer.alloc(4), WNOHANG) === pid;

const POLLIN = 1;
/** Waits until fd can be read, at most `ms`; blocks the thread, so it is for start-up and short windows only. */
export function pollReadable(fd: number, ms: number): boolean {
  const p = Buffer.alloc(8);
  p.writeInt32LE(fd, 0);
  p.writeInt16LE(POLLIN, 4);
  return check('poll', c().poll(p, 1, ms)) > 0;
}

/** The machine address of a buffer, for structures that hold pointers (socket filters). The buffer must outlive the call. */
export const addressOf = (bytes: Uint8Array): bigint => BigInt(k().address(bytes));

/** libc has no bpf(2). By its number, where we know one. */
const SYS_BPF: Readonly<Partial<Record<NodeJS.Architecture, number>>> = { x64: 321, arm64: 280 };
const ENOSYS = 38;
/** A descriptor, a number or 0, or -errno; ENOSYS also on machines whose number we do not know. */
export function bpf(command: number, attributes: Uint8Array): number {
  const number = SYS_BPF[process.arch];
  if (number === undefined) return -ENOSYS;
  const result = Number(c().syscall(number, command, attributes, attributes.length));
  return result < 0 ? -k().errno() : result;
}

/** A setting of glibc's malloc; where libc has no such thing (musl), nothing happens. mallopt(3) */
export function mallopt(parameter: number, value: number): void {
  if (ffiFault() !== undefined) return;
  try {
    k().load(null).func('int mallopt(int, int)')(parameter, value);
  } catch {
    // Not this libc: it keeps its memory as it will.
  }
}

/** Advice to the kernel on `octets` of memory from the first of `bytes` on, in whole pages inside them: they may be more than
 *  the view has, where its owner has reserved them. False: not followed. madvise(2) */
export function madvise(bytes: Uint8Array, octets: number, advice: number): boolean {
  const start = Number(k().address(bytes));
  const from = Math.ceil(start / PAGE) * PAGE;
  const length = Math.floor((start + octets) / PAGE) * PAGE - from;
  return length > 0 && c().madvise(from, length, advice) === 0;
}
