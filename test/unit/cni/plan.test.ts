import { expect, test } from 'vitest';
import { ADD_STEPS, type AddStep, DEL_STEPS, runWithUndo, type UndoStep, undoStack } from '../../../src/cni/plan.ts';

test('DEL takes everything back: the address after the interface, the record last', () => {
  expect(DEL_STEPS).toEqual(['unroute', 'unwire', 'release', 'forget']);
});

test('the undo stack runs backwards', () => {
  expect(undoStack(['address', 'wire'])).toEqual(['unwire', 'release']);
});

const recorded = (failing: AddStep, alsoFailing?: UndoStep) => {
  const done: string[] = [];
  const step = (name: string, fails: boolean) => async () => {
    done.push(name);
    if (fails) throw new Error(name);
  };
  const undoNames: readonly UndoStep[] = ['release', 'unwire', 'unroute', 'forget'];
  const run = Object.fromEntries(ADD_STEPS.map((s) => [s, step(s, s === failing)])) as Record<
    AddStep,
    () => Promise<void>
  >;
  const undo = Object.fromEntries(undoNames.map((s) => [s, step(s, s === alsoFailing)])) as Record<
    UndoStep,
    () => Promise<void>
  >;
  return { done, run, undo };
};

test('a failing step takes back what was begun, and its own error is the answer', async () => {
  const { done, run, undo } = recorded('route');
  await expect(runWithUndo(ADD_STEPS, run, undo, () => {})).rejects.toThrow('route');
  expect(done).toEqual(['address', 'wire', 'route', 'unroute', 'unwire', 'release']);
});

test('a cable that could not be made is not unmade: a foreign device may bear its name', async () => {
  const { done, run, undo } = recorded('wire');
  await expect(runWithUndo(ADD_STEPS, run, undo, () => {})).rejects.toThrow('wire');
  expect(done).toEqual(['address', 'wire', 'release']);
});

test('an undo that fails is told and does not stop the others', async () => {
  const { done, run, undo } = recorded('route', 'unwire');
  const told: string[] = [];
  await expect(runWithUndo(ADD_STEPS, run, undo, (s) => told.push(s))).rejects.toThrow('route');
  expect(done.at(-1)).toBe('release');
  expect(told).toEqual(['unwire']);
});
