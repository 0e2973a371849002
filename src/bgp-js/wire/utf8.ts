/** Text on the wire. Pure. RFC 3629; used where a length octet bounds it (RFC 9003 2). */

/** UTF-8 of `text`, at most so many octets, cut at a character. */
export function utf8(text: string, maxOctets: number): Uint8Array {
  const bytes = new TextEncoder().encode(text);
  if (bytes.length <= maxOctets) return bytes;
  let cut = maxOctets;
  while (cut > 0 && ((bytes[cut] ?? 0) & 0xc0) === 0x80) cut--;
  return bytes.subarray(0, cut);
}

/** For logs and terminals, where a peer must not send cursor movements. */
export const printable = (text: string): string => text.replace(/\p{C}/gu, ' ');
