/** Turns a device's transmit offloads off or on. Not pure: ioctl. A veth hands packets over without checksums and in 64 KB
 *  pieces, because its other end is the same machine. Where user space reads them the kernel must finish packets before us;
 *  where they stay in the kernel the last device finishes them. Idempotent. */
import { AF_INET, SOCK_CLOEXEC, SOCK_DGRAM } from '../../sys/constants.ts';
import * as ffi from '../../sys/ffi.ts';

const SIOCETHTOOL = 0x8946;
const IFNAMSIZ = 16;
const IFREQ_BYTES = 40;
/** Segmentation needs scatter-gather, which needs checksums: from the dependent ones to what they stand on. */
const SET_OFF = [
  0x1f, // ETHTOOL_STSO
  0x24, // ETHTOOL_SGSO
  0x2c, // ETHTOOL_SGRO
  0x19, // ETHTOOL_SSG
  0x17, // ETHTOOL_STXCSUM
] as const;
/** The other way round. Receive offload is off on a new veth too. */
const SET_ON = [0x17, 0x19, 0x24, 0x1f] as const;

/** Throws SysError: ENODEV when there is no such device here, EPERM without CAP_NET_ADMIN. */
export const disableOffloads = (device: string): void => setOffloads(device, SET_OFF, 0);

/** Throws as disableOffloads does. */
export const enableOffloads = (device: string): void => setOffloads(device, SET_ON, 1);

function setOffloads(device: string, commands: readonly number[], to: 0 | 1): void {
  const fd = ffi.socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  try {
    const value = Buffer.alloc(8); // struct ethtool_value { cmd, data }
    const request = Buffer.alloc(IFREQ_BYTES);
    request.write(device.slice(0, IFNAMSIZ - 1), 'latin1');
    request.writeBigUInt64LE(ffi.addressOf(value), IFNAMSIZ);
    for (const command of commands) {
      value.writeUInt32LE(command, 0);
      value.writeUInt32LE(to, 4);
      ffi.ioctl(fd, SIOCETHTOOL, request);
    }
  } finally {
    ffi.close(fd);
  }
}
