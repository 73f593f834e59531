import type { BucketName } from '../../src/base/ids.js';
import { RumeurError } from '../../src/base/errors.js';
import { dotToText } from '../../src/data/dot.js';
import { loadConfig } from '../../src/runtime/load-config.js';
import {
  type Problem,
  type ProblemKind,
  type StoreReport,
  verifyStore,
} from '../../src/storage/disk/verify.js';
import { pc } from '../colors.js';
import { shownName } from '../output.js';
import type { Session } from '../session.js';
import { table } from '../table.js';
import { Progress } from '../transfer/progress.js';

/**
 * Checks the data directory that the config names.
 * @throws RumeurError `IN_USE` while its peer runs, `CONFIG_INVALID` without a data directory, `BUCKET_UNKNOWN`, `DISK_FAILED`
 */
export async function checkStore(session: Session): Promise<StoreReport> {
  const { bucket } = session.options;
  const path = session.configPath();
  const config = await loadConfig(path);
  if (config.storage === 'memory') {
    const hint = 'verify without --store compares a running peer with the others';
    throw new RumeurError('CONFIG_INVALID', `${path}: this peer keeps its data in memory`, { hint });
  }
  const report = await readThrough(config.dataDir);
  if (bucket === undefined) return report;
  const found = report.buckets[bucket as BucketName];
  if (!found) throw new RumeurError('BUCKET_UNKNOWN', `there is no bucket '${bucket}' in ${config.dataDir}`);
  return { buckets: { [bucket]: found } };
}

async function readThrough(dataDir: string): Promise<StoreReport> {
  let progress: Progress | undefined;
  try {
    return await verifyStore(dataDir, ({ done, total }) => {
      progress ??= new Progress({ label: 'verify', total, unit: 'rows' });
      progress.update(done, done);
    });
  } catch (error) {
    if (!(error instanceof RumeurError) || error.code !== 'IN_USE') throw error;
    throw new RumeurError('IN_USE', error.message, {
      cause: error,
      hint: 'stop that peer first; or compare it with the others while it runs: verify without --store',
    });
  } finally {
    progress?.end();
  }
}

/** What was found in a store, for people. */
export function storeText({ buckets }: StoreReport): string {
  const entries = Object.entries(buckets);
  const rows = entries.map(([bucket, report]) => [
    bucket,
    ...[report.keys, report.entries, report.tombstones].map((number) => number.toLocaleString('en-US')),
    report.problemCount === 0
      ? { styled: pc.green('none') }
      : { styled: pc.red(report.problemCount.toLocaleString('en-US')) },
  ]);
  const problems = entries.flatMap(([bucket, { problems: named, problemCount }]) => [
    ...named.map((problem) => `bucket ${bucket}: ${problemText(problem)}`),
    ...(problemCount > named.length ? [`bucket ${bucket}: and ${problemCount - named.length} more`] : []),
  ]);
  const advice = 'a peer that starts with this store fetches damaged rows from the others';
  const parts = [
    table(['bucket', 'keys', 'entries', 'deletes', 'problems'], rows).trimEnd(),
    problems.length > 0 ? [...problems, '', advice].join('\n') : pc.green('the store is sound'),
  ];
  return `${parts.join('\n\n')}\n`;
}

const PROBLEMS: Readonly<Record<ProblemKind, string>> = {
  'cell-unreadable': 'its row makes no sense',
  'row-damaged': 'a row of the indexes is damaged',
  'entry-damaged': 'what stands there is not what was written',
  'entry-uncovered': 'it is not counted among what this peer has',
  'dot-missing': 'the index of writes does not name it',
  'dot-dangling': 'the index of writes names it, and it does not stand there',
  'tombstone-missing': 'the index of deletes does not name it',
  'tombstone-dangling': 'the index of deletes names it, and no delete stands there',
  'range-sum': 'the sum of a block of writes is wrong',
  totals: 'the numbers of keys and deletes are wrong',
  'state-hash': 'the hash of the data is wrong',
};

function problemText({ kind, key, dot }: Problem): string {
  const subject = [...(key === undefined ? [] : [shownName(key)]), ...(dot ? [`(${dotToText(dot)})`] : [])];
  return `${subject.join(' ')}${subject.length > 0 ? ': ' : ''}${PROBLEMS[kind]} [${kind}]`;
}
