/** The API's reasons and codes, and what our own code decides by. Pure, one row each. */
import type { StoreErrorReason } from './port.ts';

export const API_REASONS = {
  BadRequest: { code: 400, reason: 'Invalid' },
  Unauthorized: { code: 401, reason: 'Forbidden' },
  Forbidden: { code: 403, reason: 'Forbidden' },
  NotFound: { code: 404, reason: 'NotFound' },
  MethodNotAllowed: { code: 405, reason: 'Invalid' },
  AlreadyExists: { code: 409, reason: 'AlreadyExists' },
  Conflict: { code: 409, reason: 'Conflict' },
  Expired: { code: 410, reason: 'Gone' },
  Gone: { code: 410, reason: 'Gone' },
  RequestEntityTooLarge: { code: 413, reason: 'Invalid' },
  UnsupportedMediaType: { code: 415, reason: 'Invalid' },
  Invalid: { code: 422, reason: 'Invalid' },
  TooManyRequests: { code: 429, reason: 'Server' },
  InternalError: { code: 500, reason: 'Server' },
  Timeout: { code: 504, reason: 'Server' },
} as const satisfies Readonly<Record<string, { code: number; reason: StoreErrorReason }>>;

export type ApiReason = keyof typeof API_REASONS;

/** 409 needs the body's reason, the others are told by the code alone: a proxy's error page has no reason. */
export function reasonOfStatus(code: number, apiReason: string | undefined): StoreErrorReason {
  if (apiReason !== undefined && Object.hasOwn(API_REASONS, apiReason))
    return API_REASONS[apiReason as ApiReason].reason;
  if (code === 409) return 'Conflict';
  return Object.values(API_REASONS).find((row) => row.code === code)?.reason ?? 'Server';
}
