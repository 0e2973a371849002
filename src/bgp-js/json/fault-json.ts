/** Faults as JSON. Pure. Texts of faults end with their section, "(RFC 7606 7.2)": here it becomes a field of its own. */
import type { BgpError } from '../wire/error.ts';
import { notificationName } from '../wire/notification.ts';
import type { FaultJson } from './json-types.ts';

const SECTION = /RFC \d{3,5}(?: \d+(?:\.\d+)*(?: [a-z](?![a-z]))?)?/g;

/** The last section a text names. */
export const sectionOf = (text: string): string | undefined => text.match(SECTION)?.at(-1);

/** Where a text names no section: what the attribute's own RFC, then what RFC 4271 says of such faults. */
const ATTRIBUTE_SECTIONS: Readonly<Record<number, string>> = {
  1: 'RFC 7606 7.1',
  2: 'RFC 7606 7.2',
  3: 'RFC 7606 7.3',
  4: 'RFC 7606 7.4',
  5: 'RFC 7606 7.5',
  6: 'RFC 7606 7.6',
  7: 'RFC 7606 7.7',
  8: 'RFC 7606 7.8',
  9: 'RFC 7606 7.9',
  10: 'RFC 7606 7.10',
  14: 'RFC 7606 7.11',
  15: 'RFC 7606 7.12',
  16: 'RFC 7606 7.14',
  17: 'RFC 6793 6',
  18: 'RFC 6793 6',
  25: 'RFC 7606 7.15',
  26: 'RFC 7311 3.2',
  32: 'RFC 8092 6',
  35: 'RFC 9234 5',
};
const SECTIONS: Readonly<Record<number, string>> = {
  1: 'RFC 4271 6.1',
  2: 'RFC 4271 6.2',
  3: 'RFC 4271 6.3',
  7: 'RFC 7313 5',
};

export function faultJson(
  disposition: FaultJson['disposition'],
  code: number,
  subcode: number,
  text: string,
  octet: number,
  attribute?: number,
): FaultJson {
  const own = attribute === undefined ? undefined : ATTRIBUTE_SECTIONS[attribute];
  const section = sectionOf(text) ?? own ?? SECTIONS[code];
  return {
    disposition,
    code,
    subcode,
    name: notificationName(code, subcode),
    text,
    ...(section !== undefined && { section }),
    octet,
    ...(attribute !== undefined && { attribute }),
  };
}

export const resetJson = (error: BgpError, octet: number): FaultJson =>
  faultJson('reset', error.code, error.subcode, error.text, octet);
