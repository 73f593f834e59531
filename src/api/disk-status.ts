import type { Replica } from '../replica/replica.js';
import type { DiskState } from '../runtime/keeper.js';
import type { DiskStatus } from './service.js';

/** Nothing for a store without a disk. */
export function diskOf(
  { error, since, sizes, aside }: DiskState,
  { core, auditedAt }: Replica,
): { disk?: DiskStatus } {
  if (!sizes) return {};
  const state = !error ? 'ok' : error.code === 'DISK_FULL' ? 'full' : 'failed';
  const { fileBytes, liveBytes, freeBytes } = sizes;
  const damagedRows = [...core.buckets.values()].reduce((sum, { damages }) => sum + damages.size, 0);
  return {
    disk: {
      state,
      ...(error ? { code: error.code, message: error.message, since } : {}),
      fileBytes,
      liveBytes,
      freeBytes,
      ...(auditedAt === undefined ? {} : { lastScrubAt: auditedAt }),
      damagedRows,
      ...(aside === undefined ? {} : { aside }),
    },
  };
}
