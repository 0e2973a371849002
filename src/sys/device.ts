/** Network devices by name and by number. Not pure: system calls on a socket, in whose namespace the device is. All throw
 *  SysError; ENODEV: there is no such device. */
import { SO_BINDTODEVICE, SOL_SOCKET } from './constants.ts';
import * as ffi from './ffi.ts';

const SIOCGIFNAME = 0x8910;
const SIOCGIFINDEX = 0x8933;
/** struct ifreq: a name of at most 15 octets and its end, then the index. */
const IFREQ_BYTES = 40;
const NAME_BYTES = 16;

/** Only what comes through this device, and only through it. */
export const bindToDevice = (fd: number, device: string): void =>
  ffi.setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, Buffer.from(`${device}\0`));

export function interfaceIndex(fd: number, device: string): number {
  const request = Buffer.alloc(IFREQ_BYTES);
  request.write(device, 0, NAME_BYTES - 1);
  ffi.ioctl(fd, SIOCGIFINDEX, request);
  return request.readInt32LE(NAME_BYTES);
}

export function interfaceName(fd: number, index: number): string {
  const request = Buffer.alloc(IFREQ_BYTES);
  request.writeInt32LE(index, NAME_BYTES);
  ffi.ioctl(fd, SIOCGIFNAME, request);
  return request.toString('utf8', 0, request.indexOf(0));
}
