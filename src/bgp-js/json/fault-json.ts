/** Faults as JSON. Pure. Texts of faults end with their section, "(RFC 7606 7.2)": here it becomes a field of its own. */
import type { BgpError } from '../wire/error.ts';
import { notificationName } from '../wire/notification.ts';
import type { FaultJson } from './json-types.ts';

const SECTION = /RFC \d{3,5}(?: \d+(?:\.\d+)*(?: [a-z](?![a-z]))?)?/g;

/** The last section a text names. */
export const sectionOf = (text: string): string | undefined => text.match(SECTION)?.at(-1);

/** Where a code has no section of its own in the text: the part of RFC 4271 that defines it. */
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
  const section = sectionOf(text) ?? SECTIONS[code];
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
