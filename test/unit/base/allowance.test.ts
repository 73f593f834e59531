import { expect, test } from '@jest/globals';
import { Allowance } from '../../../src/base/allowance.js';

const RATE = { most: 10, perMs: 0.5 };

test('a rested one allows so much at once, and then as fast as it comes back', () => {
  const allowance = new Allowance(100, RATE);
  expect(allowance.spend(100, 9)).toBe(true);
  expect(allowance.readyAt(100)).toBe(100);
  expect(allowance.spend(100, 1)).toBe(false);
  expect(allowance.readyAt(100)).toBe(102);
  expect(allowance.spend(101, 0)).toBe(false);
  expect(allowance.spend(102, 0)).toBe(true);
});

test('what was used beyond it is paid off first', () => {
  const allowance = new Allowance(0, RATE);
  expect(allowance.spend(0, 109)).toBe(false);
  expect(allowance.readyAt(50)).toBe(200);
  expect(allowance.readyAt(300)).toBe(300);
});

test('it is full when all has come back, and never more than that', () => {
  const allowance = new Allowance(0, RATE);
  allowance.spend(0, 5);
  expect([allowance.isFull(9), allowance.isFull(10)]).toEqual([false, true]);
  allowance.spend(1_000_000, 10);
  expect(allowance.readyAt(1_000_000)).toBe(1_000_002);
});

test('a unit is left at once at a moment between two milliseconds', () => {
  expect(new Allowance(100.3, RATE).readyAt(100.3)).toBe(100.3);
  const allowance = new Allowance(0.5, RATE);
  allowance.spend(0.5, 10);
  expect(allowance.readyAt(0.5)).toBe(3);
  expect(allowance.readyAt(2.6)).toBe(2.6);
});
