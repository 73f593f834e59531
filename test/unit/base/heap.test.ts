import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Heap } from '../../../src/base/heap.js';

test('items leave a heap in order, whatever is pushed in between', () => {
  const step = fc.oneof(fc.integer(), fc.constant('pop' as const));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const heap = new Heap<number>((a, b) => a < b);
      const model: number[] = [];
      for (const item of steps) {
        if (item !== 'pop') {
          heap.push(item);
          model.push(item);
          model.sort((a, b) => a - b);
        } else expect(heap.pop()).toBe(model.shift());
        expect(heap.size).toBe(model.length);
      }
    }),
  );
});
