/** The order of ADD, and the way back. Pure but for the effects it is given. Each step has one undo, and DEL is the whole
 *  stack of undos; so the address is given back only when no interface uses it any more. */

export const ADD_STEPS = ['address', 'wire', 'route', 'record'] as const;
export type AddStep = (typeof ADD_STEPS)[number];

export const UNDO = {
  address: 'release',
  wire: 'unwire',
  route: 'unroute',
  record: 'forget',
} as const satisfies Readonly<Record<AddStep, string>>;
export type UndoStep = (typeof UNDO)[AddStep];

/** Steps that take back what they made when they fail. The device that was in the way of `wire` may be a foreign one: then
 *  unwiring after the failure would delete what is not ours. */
const CLEANS_UP: ReadonlySet<AddStep> = new Set(['wire']);

export const undoStack = (done: readonly AddStep[]): readonly UndoStep[] =>
  [...done].reverse().map((step) => UNDO[step]);

/** DEL forgets last: until everything else is done, the record says what is left to do. */
export const DEL_STEPS: readonly UndoStep[] = [...undoStack(ADD_STEPS).filter((step) => step !== 'forget'), 'forget'];

/** Runs the steps in order. A failure runs the undo stack; undos that fail are told to `onUndoFailed` and do not stop the
 *  others. Rejects with the step's error. */
export async function runWithUndo(
  steps: readonly AddStep[],
  run: Readonly<Record<AddStep, () => Promise<void>>>,
  undo: Readonly<Record<UndoStep, () => Promise<void>>>,
  onUndoFailed: (step: UndoStep, error: unknown) => void,
): Promise<void> {
  const done: AddStep[] = [];
  for (const step of steps) {
    try {
      await run[step]();
      done.push(step);
    } catch (error) {
      // A step that failed may have been done in part.
      for (const back of undoStack(CLEANS_UP.has(step) ? done : [...done, step])) {
        try {
          await undo[back]();
        } catch (failed) {
          onUndoFailed(back, failed);
        }
      }
      throw error;
    }
  }
}
