/** The carriers of ipip, best first: one device name, one form of route, and whoever moves the packets.
 *  A new carrier is a new row. Not pure: netlink. The kernel's is ipip-kernel.ts, our own ipip-tc-bpf.ts and
 *  ipip-user-space.ts. */
import type { IpipCarrier } from './ipip-carrier.ts';
import { kernelIpip } from './ipip-kernel.ts';
import { tcBpfIpip } from './ipip-tc-bpf.ts';
import { userSpaceIpip } from './ipip-user-space.ts';

export const createIpipCarriers = (): readonly IpipCarrier[] => [kernelIpip(), tcBpfIpip(), userSpaceIpip()];
