/** A socket to dial with: its options, or why it cannot have them. What was asked for and cannot be had is a fault with a name,
 *  never a session without. RFC 2385, RFC 5082. */
import { addressBits, formatIp, isIpv6 } from '../../base/ip.ts';
import { err, ok, type Result } from '../../base/result.ts';
import { bindToDevice, interfaceIndex } from '../../sys/device.ts';
import * as ffi from '../../sys/ffi.ts';
import { needsInterface } from '../../sys/sockaddr.ts';
import type { DialFault, SessionConfig } from '../session/session-types.ts';
import { MAX_PASSWORD_OCTETS, setMd5Key } from './tcp-md5.ts';
import { bgpSocket, setTtl, setTtlSecurity } from './tcp-options.ts';

type Check = (config: SessionConfig) => string | undefined;
interface Option {
  /** Of the fault. */
  readonly code: string;
  readonly isAsked: (config: SessionConfig) => boolean;
  readonly what: string;
  /** What is wrong with the value itself. */
  readonly check: Check;
  readonly set: (fd: number, config: SessionConfig) => void;
}

const isHops = (n: number | undefined): boolean => n !== undefined && Number.isInteger(n) && n >= 1 && n <= 255;
const fine: Check = () => undefined;

const BOUND: Option = {
  code: 'INTERFACE_UNAVAILABLE',
  // The zone of a link-local address says as much, and node:net can say it.
  isAsked: (c) => c.interface !== undefined && !needsInterface(c.peerAddress),
  what: 'a connection bound to its interface',
  check: fine,
  set: (fd, c) => bindToDevice(fd, c.interface ?? ''),
};

/** In the order of setting: TTL security settles the TTL. */
const OPTIONS: readonly Option[] = [
  {
    code: 'TCP_MD5_UNAVAILABLE',
    isAsked: (c) => c.password !== undefined,
    what: 'a TCP MD5 password (RFC 2385)',
    check: ({ password = '' }) => {
      const octets = Buffer.byteLength(password);
      if (octets === 0) return 'the password is empty. Leave it out to run without TCP MD5.';
      return octets > MAX_PASSWORD_OCTETS
        ? `the password has more than ${MAX_PASSWORD_OCTETS} octets, which TCP MD5 cannot take. Use a shorter one.`
        : undefined;
    },
    set: (fd, c) => setMd5Key(fd, { address: c.peerAddress, length: addressBits(c.peerAddress) }, c.password),
  },
  {
    code: 'TTL_UNAVAILABLE',
    isAsked: (c) => c.ttl !== undefined && c.ttlSecurity === undefined,
    what: 'a TTL of its own',
    check: (c) => (isHops(c.ttl) ? undefined : `ttl is ${c.ttl}. Use 1 to 255.`),
    set: (fd, c) => setTtl(fd, c.peerAddress, c.ttl),
  },
  {
    code: 'TTL_SECURITY_UNAVAILABLE',
    isAsked: (c) => c.ttlSecurity !== undefined,
    what: 'TTL security (RFC 5082)',
    check: (c) => (isHops(c.ttlSecurity) ? undefined : `ttlSecurity is ${c.ttlSecurity} hops. Use 1 to 255.`),
    set: (fd, c) => setTtlSecurity(fd, c.peerAddress, c.ttlSecurity ?? 1),
  },
  BOUND,
];

function addressFault({ peerAddress, localAddress, interface: device }: SessionConfig): string | undefined {
  if (needsInterface(peerAddress) && device === undefined)
    return 'a link-local address needs the interface it is on (RFC 4291 2.5.6). Set interface.';
  if (localAddress !== undefined && isIpv6(localAddress) !== isIpv6(peerAddress))
    return `its local address ${formatIp(localAddress)} is of the other family. Set one of the peer's family, or none.`;
  if (device !== undefined && !/^[^\s/]{1,15}$/.test(device))
    return `interface "${device.slice(0, 40)}" is no name of an interface: 1 to 15 octets, no slash, no space.`;
  return undefined;
}

/** Undefined: node:net makes its own socket, because there is no FFI and nothing was asked for that needs it. */
export function openSocket(config: SessionConfig): Result<number | undefined, DialFault> {
  const fault = (code: string, text: string): Result<never, DialFault> =>
    err({ code, text: `peer ${formatIp(config.peerAddress)}: ${text}` });
  const wrong = addressFault(config);
  if (wrong !== undefined) return fault('BAD_LOCAL_SETTINGS', wrong);
  const asked = OPTIONS.filter((o) => o.isAsked(config));
  const missing = ffi.ffiFault();
  for (const { code, what, check } of asked) {
    const bad = check(config);
    if (bad !== undefined) return fault(code, bad);
    if (missing !== undefined)
      return fault(code, `${what} needs the package koffi, which cannot be loaded: ${missing}. Install it.`);
  }
  if (missing !== undefined) return ok(undefined);
  let fd: number | undefined;
  let setting: Option | undefined;
  try {
    fd = bgpSocket(config.peerAddress);
    for (setting of asked) setting.set(fd, config);
    if (needsInterface(config.peerAddress)) {
      // node:net would say EINVAL.
      setting = BOUND;
      interfaceIndex(fd, config.interface ?? '');
    }
    return ok(fd);
  } catch (error) {
    if (fd !== undefined) ffi.close(fd);
    const text = error instanceof Error ? error.message : String(error);
    return setting === undefined
      ? fault('TCP_FAILED', `no socket: ${text}`)
      : fault(setting.code, `the kernel refuses ${setting.what}${ofInterface(setting, config)}: ${text}`);
  }
}

const ofInterface = ({ code }: Option, config: SessionConfig): string =>
  code === 'INTERFACE_UNAVAILABLE' ? ` "${config.interface}" (it must exist, and may need CAP_NET_RAW)` : '';
