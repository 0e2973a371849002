/** A prefix as Calico's objects write it: host bits are allowed in it, and mean nothing. Pure. */
import { addressBits, type IpPrefix, ipPrefix, parseIp } from '../base/ip.ts';

export function parseCidr(value: unknown): IpPrefix | undefined {
  const [, host = '', digits = ''] = (typeof value === 'string' ? /^([^/]+)\/(\d{1,3})$/.exec(value) : null) ?? [];
  const address = parseIp(host);
  return address === undefined || Number(digits) > addressBits(address) ? undefined : ipPrefix(address, Number(digits));
}
