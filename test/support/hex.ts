/** Fixtures as hex with room for drawings: white space and `|` are ignored, and so is a line from `#` on. */
export function hex(strings: TemplateStringsArray): Uint8Array {
  const digits = strings.join('').replace(/#.*$/gm, '').replace(/[\s|]/g, '');
  if (!/^(?:[0-9a-f]{2})*$/i.test(digits)) throw new Error(`"${digits}" is no hex`);
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}
/** The other way, for messages that people compare. */
export const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
