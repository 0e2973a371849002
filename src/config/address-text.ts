/** Addresses and prefixes as people type them, to values, with a fault that says what to type instead. Pure.
 *  ip-cidr judges what it is (also IPv6, also host bits); base/ makes the number. */
import IPCIDR from 'ip-cidr';
import { addressBits, formatIp, type IpAddress, type IpPrefix, ipPrefix, parseIp, parseIpPrefix } from '../base/ip.ts';
import { type Ipv4, parseIpv4 } from '../base/ipv4.ts';
import { type Prefix, parsePrefix } from '../base/prefix.ts';
import { err, ok, type Result } from '../base/result.ts';

export interface TextFault {
  /** What is wrong. */
  readonly text: string;
  /** What to write instead. */
  readonly remedy: string;
}

const LONGEST_CIDR = 64;
const isCidr = (text: string): boolean => text.length <= LONGEST_CIDR && IPCIDR.isValidCIDR(text);
const isAddress = (text: string): boolean => text.length <= LONGEST_CIDR && IPCIDR.isValidAddress(text);

export function addressOfText(text: string): Result<Ipv4, TextFault> {
  const address = isAddress(text) ? parseIpv4(text) : undefined;
  if (address !== undefined) return ok(address);
  if (isCidr(text))
    return err({ text: 'is a prefix, not an address', remedy: `Write it without its length: ${text.split('/')[0]}.` });
  if (isAddress(text))
    return err({ text: 'is an IPv6 address', remedy: 'Write an IPv4 address: IPv6 is not spoken yet.' });
  return err({
    text: 'is not an IPv4 address',
    remedy: 'Write four numbers of 0 to 255 without leading zeros, as 10.9.0.1.',
  });
}

/** Of either family. */
export function ipAddressOfText(text: string): Result<IpAddress, TextFault> {
  const address = text.length <= LONGEST_CIDR ? parseIp(text) : undefined;
  if (address !== undefined) return ok(address);
  const [bare = '', zone] = text.split('%', 2);
  if (zone !== undefined && parseIp(bare) !== undefined)
    return err({ text: 'names an interface', remedy: `Write ${bare} here, and interface: ${zone} beside it.` });
  if (isCidr(text))
    return err({ text: 'is a prefix, not an address', remedy: `Write it without its length: ${text.split('/')[0]}.` });
  return err({
    text: 'is not an IP address',
    remedy: 'Write four numbers of 0 to 255 without leading zeros, as 10.9.0.1, or an IPv6 address, as 2001:db8::1.',
  });
}

export function prefixOfText(text: string): Result<Prefix, TextFault> {
  if (!isCidr(text)) {
    if (parseIpv4(text) !== undefined)
      return err({ text: 'has no length', remedy: `Write ${text}/32 for the one address, or the prefix you mean.` });
    return err({
      text: 'is not an IPv4 prefix',
      remedy: 'Write address/length with a length of 0 to 32, as 10.1.0.0/24.',
    });
  }
  const parsed = parsePrefix(text);
  if (parsed !== undefined) return ok(parsed);
  const cidr = new IPCIDR(text);
  const start = cidr.start<string>();
  if (start.includes(':'))
    return err({ text: 'is an IPv6 prefix', remedy: 'Write an IPv4 prefix: IPv6 is not spoken yet.' });
  return err({ text: 'has bits set beyond its length', remedy: `Write ${start}/${text.split('/')[1]}.` });
}

/** Of either family. */
export function ipPrefixOfText(text: string): Result<IpPrefix, TextFault> {
  const parsed = text.length <= LONGEST_CIDR ? parseIpPrefix(text) : undefined;
  if (parsed !== undefined) return ok(parsed);
  const address = text.length <= LONGEST_CIDR ? parseIp(text) : undefined;
  if (address !== undefined) {
    const bits = addressBits(address);
    return err({ text: 'has no length', remedy: `Write ${text}/${bits} for the one address, or the prefix you mean.` });
  }
  if (!isCidr(text))
    return err({
      text: 'is not a prefix',
      remedy: 'Write address/length, as 10.1.0.0/24 or 2001:db8::/32.',
    });
  const [bare = '', length = ''] = text.split('/');
  const host = parseIp(bare);
  const start =
    host === undefined ? new IPCIDR(text).start<string>() : formatIp(ipPrefix(host, Number(length)).address);
  return err({ text: 'has bits set beyond its length', remedy: `Write ${start}/${length}.` });
}
