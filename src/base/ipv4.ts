/** IPv4 addresses as unsigned 32-bit numbers in host order. Pure. Text is strict dotted quad: no octal, no short forms.
 *  `<<` is signed in JavaScript, hence `>>> 0`. */
import type { Brand } from './brand.ts';

/** 10.0.0.1 is 0x0a000001. */
export type Ipv4 = Brand<number, 'Ipv4'>;

/** The one constructor: any 32 bits, made unsigned. */
export const ipv4 = (n: number): Ipv4 => (n >>> 0) as Ipv4;

const DIGIT_0 = 48;
const DOT = 46;

/** Dotted quad to address, or undefined. Refuses leading zeros ("010" is octal to some, decimal to others). */
export function parseIpv4(text: string): Ipv4 | undefined {
  let value = 0;
  let octet = -1;
  let dots = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === DOT) {
      if (octet < 0 || ++dots > 3) return undefined;
      value = value * 256 + octet;
      octet = -1;
    } else {
      const digit = c - DIGIT_0;
      if (digit < 0 || digit > 9 || octet === 0) return undefined;
      octet = octet < 0 ? digit : octet * 10 + digit;
      if (octet > 255) return undefined;
    }
  }
  return dots === 3 && octet >= 0 ? ipv4(value * 256 + octet) : undefined;
}

/** Dotted, as parseIpv4 reads it. */
export const formatIpv4 = (a: number): string => `${a >>> 24}.${(a >>> 16) & 255}.${(a >>> 8) & 255}.${a & 255}`;

/** The netmask of a prefix length, 0..32; /0 needs its own case because `x << 32` is `x`. */
export const netmask = (length: number): number => (length === 0 ? 0 : (0xffffffff << (32 - length)) >>> 0);
