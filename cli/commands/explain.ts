import { RumeurError } from '../../src/base/errors.js';
import type { ExplainedWrite, PeerName, ReplacedWrite } from '../../src/api/explanation.js';
import { required, type CommandModule } from '../command.js';
import { print, shownName } from '../output.js';

/** As the event answers it with `raw`: values are JSON text. */
export interface Explained {
  readonly bucket: string;
  readonly key: string;
  readonly policy: string;
  readonly writes: readonly (ExplainedWrite & { readonly value?: string; readonly deleted?: true })[];
  readonly replaced: readonly ReplacedWrite[];
  readonly more: boolean;
}

export const command: CommandModule = {
  usage: {
    arguments: [['<key>', 'the key']],
    details: `What stands under a key and where it came from: which peer wrote it and when, how it came to this peer,
and what it replaced since this peer was started. A key that was deleted has a write too, until
the delete itself is forgotten. Exit code 1 when nothing is known of the key.`,
    examples: ['config1 explain Ville', 'config1 explain Ville --json'],
  },

  async run(context) {
    const { session } = context;
    const key = required(context, 0);
    const client = await session.connect();
    const { value } = await client.call('explain', key, session.rawOptions());
    const explained = value as Explained;
    if (explained.writes.length === 0 && explained.replaced.length === 0)
      throw new RumeurError('NOT_FOUND', `nothing is known of the key ${JSON.stringify(key)}`);
    await print(session.json ? `${explainedJson(explained)}\n` : explainedText(explained));
    return undefined;
  },
};

/** The values stand in it as they were stored, digit by digit. */
export function explainedJson({ writes, ...about }: Explained): string {
  const rows = writes.map(({ value, ...write }) => {
    const rest = JSON.stringify(write);
    return value === undefined ? rest : `{"value":${value},${rest.slice(1)}`;
  });
  return `{"writes":[${rows.join(',')}],${JSON.stringify(about).slice(1)}`;
}

/** An explanation for people. */
export function explainedText({ bucket, key, policy, writes, replaced, more }: Explained): string {
  const lines = [`${shownName(key)}  (bucket ${bucket}, policy ${policy})`];
  if (writes.length === 0) lines.push('nothing stands here');
  for (const write of writes) {
    lines.push('', `${subject(write.member)}${write.value ?? 'deleted'}`, ...origins(write));
  }
  if (more) lines.push('', 'and further members');
  if (replaced.length > 0) lines.push('', 'replaced since this peer was started:');
  for (const write of replaced) {
    const cut = write.preview !== null && write.bytes > Buffer.byteLength(write.preview) ? '...' : '';
    lines.push('', `${subject(write.member)}${write.preview ?? 'deleted'}${cut}`, ...origins(write));
    lines.push(`  replaced   ${timeText(write.replacedAt)}`);
  }
  return `${lines.join('\n')}\n`;
}

const subject = (member: string | undefined): string =>
  member === undefined ? '' : `${shownName(member)}: `;

const origins = ({ peer, origin, time, dot, stamp, came }: ExplainedWrite): string[] => [
  `  written    ${timeText(time)} by ${peer ? peerText(peer) : `a peer that nobody has named (origin ${origin})`}`,
  `  came       ${came ? `${timeText(came.at)} ${CAME[came.how]}${came.peer ? peerText(came.peer) : ''}` : 'before this peer was started, or too long ago'}`,
  `  dot        ${dot}`,
  `  stamp      ${stamp}`,
];

const CAME = {
  written: 'written here',
  push: 'at once from ',
  delta: 'in catching up, from ',
  repair: 'when differences were repaired, from ',
} as const;

const peerText = ({ id, name }: PeerName): string => (name === null ? id : `${shownName(name)} (${id})`);

const timeText = (ms: number): string => new Date(ms).toISOString();
