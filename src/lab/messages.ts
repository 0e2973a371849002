/** What the process in front (the one the user started) and the supervisor inside the namespaces tell each other, over
 *  the channel of node:child_process. Pure: shapes and their parsers. */
import { z } from 'zod';

/** How the supervisor is told that it is one: this variable, as JSON. */
export const INSIDE_VARIABLE = 'GINGHAM_LAB_INSIDE';

const options = z.object({
  name: z.string(),
  nodes: z.number(),
  bird: z.number(),
  encap: z.enum(['ipip', 'vxlan', 'none']),
  pods: z.number(),
  detach: z.boolean(),
  holdTimeSec: z.number().optional(),
  restartTimeSec: z.number().optional(),
  gracefulRestart: z.boolean(),
  topology: z.string().optional(),
});
const inside = z.object({
  options,
  dir: z.string(),
  /** Of the user who started it, as the host counts. */
  user: z.number(),
  userNamespace: z.boolean(),
  /** Wall clock, ms: step times count from when the user pressed return. */
  startedAt: z.number(),
  colour: z.boolean(),
  /** How the user calls us: "gingham", or "node dist/gingham.js". */
  command: z.string(),
  /** Only find out what would not work. */
  trialOnly: z.boolean(),
  birdProgram: z.string().optional(),
});
export type Inside = z.infer<typeof inside>;

export const parseInside = (text: string): Inside => inside.parse(JSON.parse(text));

const fromInside = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('hello') }),
  z.object({ kind: z.literal('faults'), faults: z.array(z.string()) }),
  z.object({ kind: z.literal('line'), text: z.string() }),
  /** `whole`: every session is up and every ping was answered. */
  z.object({ kind: z.literal('ready'), whole: z.boolean() }),
  z.object({ kind: z.literal('failed'), text: z.string() }),
]);
export type FromInside = z.infer<typeof fromInside>;

const toInside = z.discriminatedUnion('kind', [
  /** The supervisor as the host sees it. */
  z.object({ kind: z.literal('identity'), pid: z.number(), startTime: z.string() }),
  z.object({ kind: z.literal('stop') }),
  /** Go on without us. */
  z.object({ kind: z.literal('detach') }),
]);
export type ToInside = z.infer<typeof toInside>;

export const parseFromInside = (message: unknown): FromInside | undefined => fromInside.safeParse(message).data;
export const parseToInside = (message: unknown): ToInside | undefined => toInside.safeParse(message).data;
