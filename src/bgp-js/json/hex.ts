/** Octets as lower-case hex. Pure. */
export function toHex(bytes: Uint8Array, start = 0, end = bytes.length): string {
  let text = '';
  for (let i = start; i < end; i++) text += (bytes[i] as number).toString(16).padStart(2, '0');
  return text;
}
