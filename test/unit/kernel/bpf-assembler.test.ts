/** The assembler, instruction by instruction against RFC 9669, and the two programs as wholes. */
import { describe, expect, test } from 'vitest';
import * as a from '../../../src/kernel/tunnels/bpf/assembler.ts';
import { decapsulateProgram } from '../../../src/kernel/tunnels/bpf/decapsulate.ts';
import { encapsulateProgram } from '../../../src/kernel/tunnels/bpf/encapsulate.ts';
import { CAUSES, causeSlot, SLOTS, wireConstant, wireHalf } from '../../../src/kernel/tunnels/bpf/tunnel-maps.ts';

const hexOf = (...lines: a.Line[]): string =>
  (a.assemble(lines).toString('hex').match(/.{16}/g) ?? [])
    .map((i) => i.replace(/^(..)(..)(....)/, '$1 $2 $3 '))
    .join(', ');

//     bf  61  0000  00000000      r1 = r6
//     |   ||  |     '------------ immediate
//     |   ||  '------------------ offset
//     |   |'--------------------- destination register
//     |   '---------------------- source register
//     '-------------------------- opcode: class 7 (64-bit ALU), by register (8), mov (b0)
describe('one instruction', () => {
  test.each([
    ['mov register', a.mov('r1', 'r6'), 'bf 61 0000 00000000'],
    ['mov immediate, sign-extended', a.mov('r0', -1), 'b7 00 0000 ffffffff'],
    ['mov word, zero-extended', a.movWord('r2', 0xc0a82265 | 0), 'b4 02 0000 6522a8c0'],
    ['add immediate', a.add('r3', -64), '07 03 0000 c0ffffff'],
    ['add register', a.add('r0', 'r1'), '0f 10 0000 00000000'],
    ['and', a.and('r1', 0xffff), '57 01 0000 ffff0000'],
    ['or', a.or('r1', 0x45), '47 01 0000 45000000'],
    ['xor', a.xor('r0', 0xffff), 'a7 00 0000 ffff0000'],
    ['shift left', a.shiftLeft('r1', 8), '67 01 0000 08000000'],
    ['shift right', a.shiftRight('r0', 16), '77 00 0000 10000000'],
    ['to network order', a.toNetwork16('r1'), 'dc 01 0000 10000000'],
    ['load u8', a.load('u8', 'r1', 'fp', -23), '71 a1 e9ff 00000000'],
    ['load u16', a.load('u16', 'r1', 'fp', -26), '69 a1 e6ff 00000000'],
    ['load u32', a.load('u32', 'r1', 'r6', 16), '61 61 1000 00000000'],
    ['load u64', a.load('u64', 'r1', 'r0', 8), '79 01 0800 00000000'],
    ['store u8 of an immediate', a.store('u8', 'fp', -8, 7), '72 0a f8ff 07000000'],
    ['store u16 of a register', a.store('u16', 'fp', -32, 'r1'), '6b 1a e0ff 00000000'],
    ['store u32 of an immediate', a.store('u32', 'fp', -24, 0x440), '62 0a e8ff 40040000'],
    ['store u64 of a register', a.store('u64', 'r0', 0, 'r1'), '7b 10 0000 00000000'],
    ['the address of a map', a.loadMap('r1', 5), '18 11 0000 05000000, 00 00 0000 00000000'],
    ['call', a.call(23), '85 00 0000 17000000'],
    ['exit', a.exit(), '95 00 0000 00000000'],
  ])('%s', (_name, line, bytes) => {
    expect(hexOf(line)).toBe(bytes);
  });
});

describe('jumps', () => {
  test('count from the next instruction, over macros and the two words of a map', () => {
    expect(hexOf(a.jumpIf('r0', '==', 0, 'end'), [a.mov('r0', 2), a.loadMap('r1', 3)], a.label('end'), a.exit())).toBe(
      '15 00 0300 00000000, b7 00 0000 02000000, 18 11 0000 03000000, 00 00 0000 00000000, 95 00 0000 00000000',
    );
  });
  test.each([
    ['==', a.jumpIf('r1', '==', 4, 'x'), '15 01'],
    ['!=', a.jumpIf('r1', '!=', 4, 'x'), '55 01'],
    ['>', a.jumpIf('r1', '>', 4, 'x'), '25 01'],
    ['&', a.jumpIf('r1', '&', 4, 'x'), '45 01'],
    ['!= of a register', a.jumpIf('r1', '!=', 'r2', 'x'), '5d 21'],
    ['== of words', a.jumpIfWord('r1', '==', 4, 'x'), '16 01'],
    ['always', a.jump('x'), '05 00'],
  ])('%s', (_name, jump, opcode) => {
    expect(hexOf(jump, a.label('x'), a.exit()).slice(0, 5)).toBe(opcode);
  });
  test('to nowhere, backwards, or to one of two labels of a name are our own mistake', () => {
    expect(() => a.assemble([a.jump('x')])).toThrow('no label "x"');
    expect(() => a.assemble([a.label('x'), a.jump('x')])).toThrow('goes backwards');
    expect(() => a.assemble([a.label('x'), a.label('x')])).toThrow('there twice');
  });
});

describe('the programs', () => {
  const maps = { remotes: 5, counters: 6 };
  const LOCAL = 0xc0a82265;
  test('are short, end in exit, and hold the address in network order', () => {
    const programs = [
      encapsulateProgram(maps, { local: LOCAL, underlay: 2 }),
      decapsulateProgram(maps, { local: LOCAL, companion: 3 }),
    ];
    for (const program of programs) {
      expect(program.length / a.INSTRUCTION_BYTES).toBeLessThan(160);
      expect(program.subarray(-8).toString('hex')).toBe('9500000000000000');
      expect(program.includes(Buffer.from('c0a82265', 'hex'))).toBe(true);
    }
  });
  test('constants are in the order in which a packet has them', () => {
    expect(wireHalf(0x0800)).toBe(0x0008);
    expect(wireConstant(0x0a000001)).toBe(0x0100000a);
  });
  test('every cause has a slot of its own after those of sent and received', () => {
    expect(new Set(CAUSES.map(causeSlot)).size).toBe(SLOTS - 2);
    expect(causeSlot('not-ipv4')).toBe(2);
  });
});
