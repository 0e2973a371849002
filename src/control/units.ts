/** Numbers as people read them. Pure. */

/** 38s, 2m14s, 4h12m, 3d4h: two units, as kubectl. */
export function formatAge(seconds: number): string {
  const s = Math.max(0, Math.floor(seconds));
  const two = (a: number, unitA: string, b: number, unitB: string): string =>
    `${a}${unitA}${b > 0 ? `${b}${unitB}` : ''}`;
  if (s < 60) return `${s}s`;
  if (s < 3600) return two(Math.floor(s / 60), 'm', s % 60, 's');
  if (s < 86400) return two(Math.floor(s / 3600), 'h', Math.floor((s % 3600) / 60), 'm');
  return two(Math.floor(s / 86400), 'd', Math.floor((s % 86400) / 3600), 'h');
}

/** Below ten seconds, with a tenth: "0.8s". */
export const formatShort = (seconds: number): string =>
  seconds < 10 ? `${Math.max(0, seconds).toFixed(1)}s` : formatAge(seconds);

/** Age of an RFC 3339 time at another; "" when it is not a time. */
export function formatSince(at: string, now: number): string {
  const then = Date.parse(at);
  return Number.isNaN(then) ? '' : formatAge((now - then) / 1000);
}

/** "1 route", "2 routes". */
export const count = (n: number, one: string, many = `${one}s`): string => `${n} ${n === 1 ? one : many}`;

export const formatMebibytes = (bytes: number): string => `${Math.round(bytes / 1048576)} MiB`;

const HIGHEST_INT32 = 2147483647;
const HIGHEST_METRIC = 65535;

/** Calico's mesh announces 2147483647 minus a metric: 2147482623 is p1024. Other values as they are. */
export const formatLocalPref = (value: number): string => {
  const metric = HIGHEST_INT32 - value;
  return metric >= 0 && metric <= HIGHEST_METRIC ? `p${metric}` : String(value);
};
